// SPDX-License-Identifier: GPL-2.0

//! Whole sessions over a socket. The runtime's side is put together here byte by byte, apart from the plugin's own code for
//! the same; and what it says is once what containerd 1.7.24 said, as tests/containers-vm.sh recorded it.

#![allow(clippy::unwrap_used)]

use memcg_nri::kernel::Kernel;
use memcg_nri::plugin::session;
use memcg_nri::plugin::Identity;
use memcg_nri::plugin::Plugin;
use memcg_nri::protocol::nri;
use memcg_nri::report::Events;
use protobuf::Message;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use ttrpc::Request;
use ttrpc::Response;

const PLUGIN: u32 = 1;
const RUNTIME: u32 = 2;
const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;

const LIMIT: &str = "memory.dirty_limit_in_bytes";
const BACKGROUND_RATIO: &str = "memory.dirty_background_ratio";
const FLOOR: &str = "memory.dirty_min";

/// A message of ttrpc: its connection, stream, kind and payload.
struct Said {
    connection: u32,
    stream: u32,
    kind: u8,
    payload: Vec<u8>,
}

/// Messages out of pieces.
#[derive(Default)]
struct Parser {
    unfinished: HashMap<u32, Vec<u8>>,
    finished: VecDeque<Said>,
}

impl Parser {
    fn add(&mut self, connection: u32, piece: &[u8]) {
        let data = self.unfinished.entry(connection).or_default();
        data.extend_from_slice(piece);
        while data.len() >= 10 {
            let number = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap());
            let end = 10 + number(0) as usize;
            if data.len() < end {
                break;
            }
            let (stream, kind) = (number(4), data[8]);
            let payload = data[10..end].to_vec();
            self.finished.push_back(Said {
                connection,
                stream,
                kind,
                payload,
            });
            data.drain(..end);
        }
    }
}

/// The runtime's side of a session.
struct Runtime {
    socket: UnixStream,
    parser: Parser,
    stream: u32,
    session: JoinHandle<String>,
}

impl Runtime {
    fn new(plugin: Plugin) -> Self {
        let (socket, trunk) = UnixStream::pair().unwrap();
        let identity = Identity {
            name: "memcg-knobs".to_owned(),
            index: "50".to_owned(),
        };
        let session = async move {
            session(trunk, &identity, Arc::new(plugin))
                .await
                .to_string()
        };
        Self {
            socket,
            parser: Parser::default(),
            stream: 1,
            session: tokio::spawn(session),
        }
    }

    async fn hear(&mut self) -> Said {
        loop {
            if let Some(said) = self.parser.finished.pop_front() {
                return said;
            }
            let connection = self.socket.read_u32().await.unwrap();
            let length = self.socket.read_u32().await.unwrap();
            let mut piece = vec![0; length as usize];
            self.socket.read_exact(&mut piece).await.unwrap();
            self.parser.add(connection, &piece);
        }
    }

    async fn say(&mut self, said: &Said) {
        let mut message = (said.payload.len() as u32).to_be_bytes().to_vec();
        message.extend(said.stream.to_be_bytes());
        message.extend([said.kind, 0]);
        message.extend(&said.payload);
        // In pieces that end anywhere.
        for piece in message.chunks(1000) {
            let mut framed = said.connection.to_be_bytes().to_vec();
            framed.extend((piece.len() as u32).to_be_bytes());
            framed.extend(piece);
            self.socket.write_all(&framed).await.unwrap();
        }
    }

    /// The plugin's introduction, and an answer with this status.
    async fn introduced(&mut self, status: i32) -> nri::RegisterPluginRequest {
        let said = self.hear().await;
        assert_eq!((said.connection, said.kind), (RUNTIME, REQUEST));
        let request = Request::parse_from_bytes(&said.payload).unwrap();
        assert_eq!(request.service, "nri.pkg.api.v1alpha1.Runtime");
        assert_eq!(request.method, "RegisterPlugin");
        let mut response = Response::new();
        response.status.mut_or_insert_default().code = protobuf::EnumOrUnknown::from_i32(status);
        let payload = response.write_to_bytes().unwrap();
        self.say(&Said {
            kind: RESPONSE,
            payload,
            ..said
        })
        .await;
        nri::RegisterPluginRequest::parse_from_bytes(&request.payload).unwrap()
    }

    async fn answer<T: Message>(&mut self, stream: u32) -> T {
        let said = self.hear().await;
        assert_eq!(
            (said.connection, said.stream, said.kind),
            (PLUGIN, stream, RESPONSE)
        );
        let response = Response::parse_from_bytes(&said.payload).unwrap();
        assert_eq!(response.status.code.value(), 0, "{:?}", response.status);
        T::parse_from_bytes(&response.payload).unwrap()
    }

    async fn call<T: Message>(&mut self, method: &str, message: &impl Message) -> T {
        let mut request = Request::new();
        request.service = "nri.pkg.api.v1alpha1.Plugin".to_owned();
        request.method = method.to_owned();
        request.payload = message.write_to_bytes().unwrap();
        let (stream, payload) = (self.stream, request.write_to_bytes().unwrap());
        self.stream += 2;
        self.say(&Said {
            connection: PLUGIN,
            stream,
            kind: REQUEST,
            payload,
        })
        .await;
        self.answer(stream).await
    }
}

fn node() -> (TempDir, Kernel) {
    let directory = tempfile::tempdir().unwrap();
    for file in [LIMIT, BACKGROUND_RATIO, FLOOR] {
        fs::write(directory.path().join(file), "").unwrap();
    }
    let kernel = Kernel::of(directory.path().to_owned());
    (directory, kernel)
}

fn unified(entries: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = entries
        .iter()
        .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    owned.collect()
}

fn pod(id: &str, annotations: &[(&str, &str)]) -> nri::PodSandbox {
    let mut pod = nri::PodSandbox::new();
    pod.id = id.to_owned();
    pod.name = "web".to_owned();
    pod.uid = "uid-of-web".to_owned();
    pod.namespace = "shop".to_owned();
    pod.annotations = unified(annotations);
    pod
}

fn container(id: &str, pod: &str, name: &str, state: nri::ContainerState) -> nri::Container {
    let mut container = nri::Container::new();
    container.id = id.to_owned();
    container.pod_sandbox_id = pod.to_owned();
    container.name = name.to_owned();
    container.state = state.into();
    container
}

#[tokio::test]
async fn what_containerd_says() {
    let (directory, kernel) = node();
    let mut runtime = Runtime::new(Plugin::new(kernel, None));
    let mut recorded = Parser::default();
    let mut rest =
        &fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/containerd-1.7.24"))
            .unwrap()[..];
    while let [a, b, c, d, e, f, g, h, data @ ..] = rest {
        let (piece, after) = data.split_at(u32::from_be_bytes([*e, *f, *g, *h]) as usize);
        recorded.add(u32::from_be_bytes([*a, *b, *c, *d]), piece);
        rest = after;
    }
    let introduction = runtime.hear().await;
    assert_eq!((introduction.connection, introduction.stream), (RUNTIME, 1));
    let mut answers = Vec::new();
    let (mut pods, mut methods) = (0, Vec::new());
    for said in recorded.finished {
        runtime.say(&said).await;
        if said.kind != REQUEST {
            continue;
        }
        let request = Request::parse_from_bytes(&said.payload).unwrap();
        let stream = said.stream;
        methods.push(request.method.clone());
        match request.method.as_str() {
            "Configure" => {
                let answer: nri::ConfigureResponse = runtime.answer(stream).await;
                // The pod's start, and the creation and the update of a container.
                assert_eq!(answer.events, 0b1000_1001);
            }
            "CreateContainer" => {
                let answer: nri::CreateContainerResponse = runtime.answer(stream).await;
                answers.push(answer.adjust.linux.resources.unified.clone());
            }
            "UpdateContainer" => {
                let answer: nri::UpdateContainerResponse = runtime.answer(stream).await;
                let asked =
                    nri::UpdateContainerRequest::parse_from_bytes(&request.payload).unwrap();
                assert_eq!(answer.update.len(), 1);
                assert_eq!(answer.update[0].container_id, asked.container.id);
                answers.push(answer.update[0].linux.resources.unified.clone());
            }
            "StateChange" => {
                pods += 1;
                let _: nri::Empty = runtime.answer(stream).await;
            }
            _ => drop(runtime.answer::<nri::SynchronizeResponse>(stream).await),
        }
        // When it was recorded the module was removed before the second pod came.
        if methods.len() == 6 {
            for file in fs::read_dir(directory.path()).unwrap() {
                fs::remove_file(file.unwrap().path()).unwrap();
            }
        }
    }
    assert_eq!(
        methods,
        [
            "Configure",
            "Synchronize",
            "StateChange",
            "CreateContainer",
            "CreateContainer",
            "UpdateContainer",
            "StateChange",
            "CreateContainer"
        ]
    );
    assert_eq!(pods, 2);
    let app = unified(&[(LIMIT, "67108864")]);
    let db = unified(&[(LIMIT, "1073741824"), (BACKGROUND_RATIO, "2.50")]);
    assert_eq!(answers, [app, db.clone(), db, HashMap::new()]);
    drop(runtime.socket);
    assert_eq!(
        runtime.session.await.unwrap(),
        "the runtime has closed the connection"
    );
}

#[tokio::test]
async fn a_runtime_that_refuses() {
    let (_directory, kernel) = node();
    let mut runtime = Runtime::new(Plugin::new(kernel, None));
    // 7: permission denied.
    let introduction = runtime.introduced(7).await;
    assert_eq!(
        (
            introduction.plugin_name.as_str(),
            introduction.plugin_idx.as_str()
        ),
        ("memcg-knobs", "50")
    );
    let ended = runtime.session.await.unwrap();
    assert!(
        ended.starts_with("the runtime does not accept this plugin"),
        "{ended}"
    );
}

#[tokio::test]
async fn what_runs_already_is_updated() {
    let (_directory, kernel) = node();
    let mut runtime = Runtime::new(Plugin::new(kernel, None));
    runtime.introduced(0).await;
    // A list in two parts, with the pod of one container in the first and the container in the second.
    let mut request = nri::SynchronizeRequest::new();
    request.pods = vec![
        pod("a", &[("memcg-knobs.io/dirty-limit", "64Mi")]),
        pod("b", &[("memcg-knobs.io/dirty-limit", "lots")]),
    ];
    request.containers = vec![container(
        "a1",
        "a",
        "app",
        nri::ContainerState::CONTAINER_RUNNING,
    )];
    request.more = true;
    let answer: nri::SynchronizeResponse = runtime.call("Synchronize", &request).await;
    assert!(answer.more);
    assert_eq!(answer.update, []);
    request.pods.clear();
    request.containers = vec![
        container("a2", "a", "db", nri::ContainerState::CONTAINER_CREATED),
        container("a3", "a", "old", nri::ContainerState::CONTAINER_STOPPED),
        container("b1", "b", "app", nri::ContainerState::CONTAINER_RUNNING),
        container("c1", "gone", "app", nri::ContainerState::CONTAINER_RUNNING),
    ];
    request.more = false;
    let answer: nri::SynchronizeResponse = runtime.call("Synchronize", &request).await;
    assert!(!answer.more);
    let updated: Vec<_> = answer
        .update
        .iter()
        .map(|update| update.container_id.as_str())
        .collect();
    assert_eq!(updated, ["a1", "a2"]);
    for update in &answer.update {
        assert!(update.ignore_failure);
        assert_eq!(
            update.linux.resources.unified,
            unified(&[(LIMIT, "67108864")])
        );
    }
}

/// Many containers make an answer of many pieces.
#[tokio::test]
async fn a_long_answer() {
    let (_directory, kernel) = node();
    let mut runtime = Runtime::new(Plugin::new(kernel, None));
    runtime.introduced(0).await;
    let mut request = nri::SynchronizeRequest::new();
    request.pods = vec![pod("a", &[("memcg-knobs.io/dirty-limit", "64Mi")])];
    request.containers = (0..100)
        .map(|number| {
            container(
                &format!("{number:064}"),
                "a",
                "app",
                nri::ContainerState::CONTAINER_RUNNING,
            )
        })
        .collect();
    let answer: nri::SynchronizeResponse = runtime.call("Synchronize", &request).await;
    assert_eq!(answer.update.len(), 100);
}

/// Kubernetes' API, for one request, which is given back with its head.
fn api() -> (String, std::thread::JoinHandle<(String, serde_json::Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut data = Vec::new();
        let mut some = [0; 1024];
        loop {
            let length = stream.read(&mut some).unwrap();
            data.extend_from_slice(&some[..length]);
            let text = String::from_utf8_lossy(&data).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            if let Ok(event) = serde_json::from_str(body) {
                stream
                    .write_all(
                        b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                    )
                    .unwrap();
                return (head.to_owned(), event);
            }
        }
    };
    (url, std::thread::spawn(serve))
}

/// From runtimes that call it by its name, too.
#[tokio::test]
async fn an_event_for_what_is_ignored() {
    for method in ["StateChange", "RunPodSandbox"] {
        let (_directory, kernel) = node();
        let (url, api) = api();
        let mut runtime = Runtime::new(Plugin::new(kernel, Some(Events::new(&url, "node-1"))));
        runtime.introduced(0).await;
        let pod = pod(
            "a",
            &[
                ("memcg-knobs.io/dirty-limit", "64MiB"),
                ("memcg-knobs.io/dirty-min", "1Mi"),
            ],
        );
        let _: nri::Empty = if method == "StateChange" {
            let mut change = nri::StateChangeEvent::new();
            change.event = nri::Event::RUN_POD_SANDBOX.into();
            change.pod = protobuf::MessageField::some(pod);
            runtime.call(method, &change).await
        } else {
            let mut request = nri::RunPodSandboxRequest::new();
            request.pod = protobuf::MessageField::some(pod);
            runtime.call(method, &request).await
        };
        let (head, event) = tokio::task::spawn_blocking(|| api.join().unwrap())
            .await
            .unwrap();
        assert!(
            head.starts_with("POST /api/v1/namespaces/shop/events HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.to_lowercase()
                .contains("content-type: application/json"),
            "{head}"
        );
        assert_eq!(event["kind"], "Event");
        assert_eq!(event["metadata"]["namespace"], "shop");
        assert_eq!(event["involvedObject"]["kind"], "Pod");
        assert_eq!(event["involvedObject"]["name"], "web");
        assert_eq!(event["involvedObject"]["uid"], "uid-of-web");
        assert_eq!(event["type"], "Warning");
        assert_eq!(event["source"]["host"], "node-1");
        assert_eq!(
            event["message"],
            "memcg-knobs.io/dirty-limit is ignored: \"64MiB\" is not a size such as 64Mi, or max"
        );
    }
}
