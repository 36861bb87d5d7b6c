// SPDX-License-Identifier: GPL-2.0

//! Reports of ignored annotations: a line in the log and, if Kubernetes' API is accessible, an
//! event of the pod, so that its author sees it without access to the node.

use crate::annotations::Ignored;
use crate::protocol::nri::PodSandbox;
use serde_json::json;
use serde_json::Value;
use std::fmt;
use std::io::Write;
use std::time::Duration;
use std::time::SystemTime;

/// The time that Kubernetes' API has to answer. Only this plugin waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints a line on stderr. A failure cannot be reported anywhere.
pub fn log(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "memcg-nri: {line}");
}

/// Returns a pod's name for the log. Not all clients of a runtime obey the rules for names.
pub fn name(pod: &PodSandbox) -> String {
    format!(
        "{}/{}",
        pod.namespace.escape_debug(),
        pod.name.escape_debug()
    )
}

/// The destination of events.
#[derive(Clone, Debug)]
pub struct Events {
    /// The base URL of the API, without TLS or a token: `kubectl proxy` next to the plugin adds
    /// these.
    url: String,
    node: String,
    agent: ureq::Agent,
}

impl Events {
    /// Creates a destination for events of this node at the API.
    pub fn new(url: &str, node: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
        Self {
            url: url.trim_end_matches('/').to_owned(),
            node: node.to_owned(),
            agent: config.build().into(),
        }
    }

    fn send(&self, namespace: &str, event: &Value) -> Result<(), ureq::Error> {
        let url = format!("{}/api/v1/namespaces/{namespace}/events", self.url);
        let request = self
            .agent
            .post(url)
            .header("Content-Type", "application/json");
        request.send(event.to_string()).map(drop)
    }
}

/// Creates the event for this pod at this time.
fn event(pod: &PodSandbox, ignored: &Ignored, node: &str, now: SystemTime) -> Value {
    let time = humantime::format_rfc3339_seconds(now).to_string();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "generateName": "memcg-nri-", "namespace": pod.namespace },
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": pod.namespace,
            "name": pod.name,
            "uid": pod.uid,
        },
        "type": "Warning",
        "reason": "AnnotationIgnored",
        "message": format!("{} is ignored: {}", ignored.annotation, ignored.why),
        "source": { "component": "memcg-nri", "host": node },
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    })
}

/// Reports which annotations of a pod are ignored. Events are sent in the background: a pod never
/// waits for Kubernetes' API.
pub fn report(events: Option<&Events>, pod: &PodSandbox, ignored: &[Ignored]) {
    for ignored in ignored {
        let Ignored { annotation, why } = ignored;
        log(format_args!(
            "pod {}: {} is ignored: {why}",
            name(pod),
            annotation.escape_debug()
        ));
        let Some(events) = events.cloned() else {
            continue;
        };
        let event = event(pod, ignored, &events.node, SystemTime::now());
        let namespace = pod.namespace.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = events.send(&namespace, &event) {
                log(format_args!(
                    "cannot create an event: {}: {error}",
                    events.url
                ));
            }
        });
    }
}
