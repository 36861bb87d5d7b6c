// SPDX-License-Identifier: GPL-2.0

//! The calls of the runtime, and the call that registers this plugin.

use crate::annotations::Files;
use crate::annotations::Settings;
use crate::kernel::Kernel;
use crate::mux;
use crate::protocol::nri;
use crate::protocol::nri::Container;
use crate::protocol::nri::ContainerState;
use crate::protocol::nri::ContainerUpdate;
use crate::protocol::nri::Event;
use crate::protocol::nri::LinuxResources;
use crate::protocol::nri::PodSandbox;
use crate::protocol::nri_ttrpc;
use crate::protocol::nri_ttrpc::RuntimeClient;
use crate::report::log;
use crate::report::name;
use crate::report::report;
use crate::report::Events;
use async_trait::async_trait;
use protobuf::MessageField;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use ttrpc::r#async::transport::Listener;
use ttrpc::r#async::transport::Socket;
use ttrpc::r#async::Client;
use ttrpc::r#async::Server;
use ttrpc::r#async::TtrpcContext;

/// The time that the runtime has to answer the registration.
const PATIENCE: Duration = Duration::from_secs(10);

/// The events for which the runtime should call the plugin.
const EVENTS: [Event; 3] = [
    Event::RUN_POD_SANDBOX,
    Event::CREATE_CONTAINER,
    Event::UPDATE_CONTAINER,
];

/// The identity of the plugin.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Two digits that determine its order among the runtime's plugins.
    pub index: String,
}

/// The reason why a session with the runtime failed or ended.
#[derive(Debug)]
pub enum Ended {
    /// The connection broke.
    Io(io::Error),
    /// The runtime rejected the plugin.
    Refused(ttrpc::Error),
    /// The runtime closed the connection.
    Closed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection broke: {error}"),
            Self::Refused(error) => write!(f, "the runtime does not accept this plugin: {error}"),
            Self::Closed => f.write_str("the runtime has closed the connection"),
        }
    }
}

/// Registers the plugin with the runtime at the other end of `trunk`, and serves its calls until it
/// hangs up.
pub async fn session<T>(trunk: T, identity: &Identity, plugin: Arc<Plugin>) -> Ended
where
    T: AsyncRead + AsyncWrite + Send + 'static,
{
    let (ends, carrying) = mux::multiplex(trunk);
    // The only connection exists from the start.
    let listener = futures::stream::once(async move { Ok(ends.plugin) });
    let mut server = Server::new()
        .add_listener(Listener::new(listener))
        .register_service(nri_ttrpc::create_plugin(plugin));
    if let Err(error) = server.start().await {
        return Ended::Refused(error);
    }
    let client = RuntimeClient::new(Client::new(Socket::new(ends.runtime)));
    let introduction = async {
        let mut request = nri::RegisterPluginRequest::new();
        request.plugin_name.clone_from(&identity.name);
        request.plugin_idx.clone_from(&identity.index);
        client
            .register_plugin(ttrpc::context::with_duration(PATIENCE), &request)
            .await
    };
    tokio::pin!(carrying);
    let ended = tokio::select! {
        end = &mut carrying => Some(end),
        answer = introduction => match answer {
            Ok(_) => None,
            Err(error) => return Ended::Refused(error),
        },
    };
    match match ended {
        Some(end) => end,
        None => carrying.await,
    } {
        Ok(()) => Ended::Closed,
        Err(error) => Ended::Io(error),
    }
}

/// The server for the runtime's calls.
pub struct Plugin {
    kernel: Kernel,
    events: Option<Events>,
    /// The part received so far of a list that is split over several requests.
    listed: Mutex<(Vec<PodSandbox>, Vec<Container>)>,
}

impl Plugin {
    /// Creates a plugin for a node with this kernel, which may send events.
    pub fn new(kernel: Kernel, events: Option<Events>) -> Self {
        Self {
            kernel,
            events,
            listed: Mutex::default(),
        }
    }

    /// Returns the values for a container, and logs them.
    fn files(&self, pod: &PodSandbox, container: &Container) -> Files {
        let files = Settings::of(&pod.annotations, &self.kernel).files(&container.name);
        for (file, text) in &files {
            let container = container.name.escape_debug();
            log(format_args!(
                "pod {}, container {container}: {file}={text}",
                name(pod)
            ));
        }
        files
    }

    fn update(&self, pod: &PodSandbox, container: &Container) -> Option<ContainerUpdate> {
        let files = self.files(pod, container);
        if files.is_empty() {
            return None;
        }
        let mut update = ContainerUpdate::new();
        update.container_id.clone_from(&container.id);
        update.linux.mut_or_insert_default().resources = resources(files);
        // A container that is about to exit must not cause the plugin to be rejected.
        update.ignore_failure = true;
        Some(update)
    }

    fn report(&self, pod: &PodSandbox) {
        let settings = Settings::of(&pod.annotations, &self.kernel);
        report(self.events.as_ref(), pod, &settings.ignored);
    }

    /// Adds this request to the list. It is complete if no more follow; the next request starts a
    /// new one.
    fn listed(
        &self,
        request: nri::SynchronizeRequest,
    ) -> Option<(Vec<PodSandbox>, Vec<Container>)> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.0.extend(request.pods);
        listed.1.extend(request.containers);
        (!request.more).then(|| std::mem::take(&mut *listed))
    }
}

fn resources(files: Files) -> MessageField<LinuxResources> {
    let mut resources = LinuxResources::new();
    resources.unified = files
        .into_iter()
        .map(|(file, text)| (file.to_owned(), text))
        .collect();
    MessageField::some(resources)
}

#[async_trait]
impl nri_ttrpc::Plugin for Plugin {
    async fn configure(
        &self,
        _context: &TtrpcContext,
        request: nri::ConfigureRequest,
    ) -> ttrpc::Result<nri::ConfigureResponse> {
        let (runtime, version) = (&request.runtime_name, &request.runtime_version);
        log(format_args!(
            "serving {} {}",
            runtime.escape_debug(),
            version.escape_debug()
        ));
        let mut response = nri::ConfigureResponse::new();
        response.events = EVENTS
            .iter()
            .fold(0, |mask, event| mask | 1 << (*event as i32 - 1));
        Ok(response)
    }

    /// Handles containers that are already running when the plugin starts.
    async fn synchronize(
        &self,
        _context: &TtrpcContext,
        request: nri::SynchronizeRequest,
    ) -> ttrpc::Result<nri::SynchronizeResponse> {
        let mut response = nri::SynchronizeResponse::new();
        response.more = request.more;
        if let Some((pods, containers)) = self.listed(request) {
            let by_id: HashMap<_, _> = pods.iter().map(|pod| (&pod.id, pod)).collect();
            response.update = containers
                .iter()
                .filter(|container| container.state != ContainerState::CONTAINER_STOPPED.into())
                .filter_map(|container| {
                    self.update(by_id.get(&container.pod_sandbox_id)?, container)
                })
                .collect();
            for pod in &pods {
                self.report(pod);
            }
        }
        Ok(response)
    }

    async fn shutdown(&self, _context: &TtrpcContext, _: nri::Empty) -> ttrpc::Result<nri::Empty> {
        log(format_args!("the runtime is shutting down"));
        Ok(nri::Empty::new())
    }

    async fn run_pod_sandbox(
        &self,
        _context: &TtrpcContext,
        request: nri::RunPodSandboxRequest,
    ) -> ttrpc::Result<nri::Empty> {
        self.report(&request.pod);
        Ok(nri::Empty::new())
    }

    async fn state_change(
        &self,
        _context: &TtrpcContext,
        request: nri::StateChangeEvent,
    ) -> ttrpc::Result<nri::Empty> {
        if request.event == Event::RUN_POD_SANDBOX.into() {
            self.report(&request.pod);
        }
        Ok(nri::Empty::new())
    }

    async fn create_container(
        &self,
        _context: &TtrpcContext,
        request: nri::CreateContainerRequest,
    ) -> ttrpc::Result<nri::CreateContainerResponse> {
        let files = self.files(&request.pod, &request.container);
        let mut response = nri::CreateContainerResponse::new();
        if !files.is_empty() {
            let adjust = response.adjust.mut_or_insert_default();
            adjust.linux.mut_or_insert_default().resources = resources(files);
        }
        Ok(response)
    }

    /// The runtime writes its client's changes; this adds the values of the annotations.
    async fn update_container(
        &self,
        _context: &TtrpcContext,
        request: nri::UpdateContainerRequest,
    ) -> ttrpc::Result<nri::UpdateContainerResponse> {
        let mut response = nri::UpdateContainerResponse::new();
        response
            .update
            .extend(self.update(&request.pod, &request.container));
        Ok(response)
    }
}
