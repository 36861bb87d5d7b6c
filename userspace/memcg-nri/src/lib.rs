// SPDX-License-Identifier: GPL-2.0

//! A plugin for container runtimes that support NRI, the Node Resource Interface of containerd and
//! CRI-O. It converts a pod's annotations about dirty memory to `unified` entries of its
//! containers, which the runtime writes to files of their cgroups.
//!
//! - [`annotations`]: the known annotations, and the resulting values for a container
//! - [`quantity`]: sizes in the syntax of Kubernetes
//! - [`kernel`]: the files that this node has
//! - [`mux`]: two connections over the one that the runtime accepts
//! - [`plugin`]: the calls of the runtime
//! - [`report`]: reports of ignored annotations

pub mod annotations;
pub mod kernel;
pub mod mux;
pub mod plugin;
pub mod quantity;
pub mod report;

/// Code generated from proto/nri.proto.
#[allow(missing_docs, unused_qualifications, clippy::all, clippy::unwrap_used)]
pub mod protocol {
    include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
}
