// SPDX-License-Identifier: GPL-2.0

//! A plugin for container runtimes with NRI, the Node Resource Interface of containerd and CRI-O: what a pod's annotations
//! say about dirty memory becomes `unified` entries of its containers, which the runtime writes to files of their cgroups.
//!
//! - [`annotations`]: the known annotations, and the resulting values for a container
//! - [`quantity`]: sizes as Kubernetes writes them
//! - [`kernel`]: which of the files this node has
//! - [`mux`]: two connections over the one that the runtime accepts
//! - [`plugin`]: the calls of the runtime
//! - [`report`]: the reports of ignored annotations

pub mod annotations;
pub mod kernel;
pub mod mux;
pub mod plugin;
pub mod quantity;
pub mod report;

/// What is generated from proto/nri.proto.
#[allow(missing_docs, unused_qualifications, clippy::all, clippy::unwrap_used)]
pub mod protocol {
    include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
}
