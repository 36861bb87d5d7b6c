// SPDX-License-Identifier: GPL-2.0

//! Makes messages, client and service of proto/nri.proto, without protoc.

use ttrpc_codegen::Codegen;
use ttrpc_codegen::Customize;
use ttrpc_codegen::ProtobufCustomize;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=proto/nri.proto");
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| std::io::Error::other("no OUT_DIR"))?;
    let modules = std::path::Path::new(&out).join("protocol.rs");
    std::fs::write(modules, "pub mod nri;\npub mod nri_ttrpc;\n")?;
    Codegen::new()
        .out_dir(out)
        .input("proto/nri.proto")
        .include("proto")
        .rust_protobuf()
        .customize(Customize {
            async_all: true,
            ..Default::default()
        })
        .rust_protobuf_customize(ProtobufCustomize::default().gen_mod_rs(false))
        .run()
}
