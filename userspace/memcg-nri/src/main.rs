// SPDX-License-Identifier: GPL-2.0

//! memcg-nri: dirty limits of containers, from the annotations of their pods. See the library.

use clap::Parser;
use memcg_nri::kernel::Kernel;
use memcg_nri::plugin::session;
use memcg_nri::plugin::Identity;
use memcg_nri::plugin::Plugin;
use memcg_nri::report::log;
use memcg_nri::report::Events;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::signal::unix::signal;
use tokio::signal::unix::SignalKind;
use tokio::time::sleep;
use tokio::time::Instant;

/// An NRI plugin: dirty limits of containers, from the annotations of their pods.
///
/// It serves the runtime until it is stopped, and waits for it while it is down. Each annotation that is put into force
/// and each that is ignored is a line on stderr.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The runtime's socket for plugins
    #[arg(long, value_name = "PATH", default_value = "/var/run/nri/nri.sock")]
    socket: PathBuf,
    /// The plugin's place among the runtime's plugins, two digits
    #[arg(long, value_name = "NN", default_value = "50", value_parser = index)]
    index: String,
    /// Send events of ignored annotations to this address of Kubernetes' API, where `kubectl proxy` listens
    #[arg(long, value_name = "URL")]
    events: Option<String>,
    /// The node's name in events
    #[arg(long, value_name = "NAME", env = "NODE_NAME", default_value = "")]
    node: String,
    /// A cgroup that shows which files this kernel has (default: the plugin's own)
    #[arg(long, value_name = "DIRECTORY")]
    cgroup: Option<PathBuf>,
}

fn index(text: &str) -> Result<String, String> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.to_owned())
        .ok_or_else(|| "expected two digits".to_owned())
}

/// The delay before the next attempt: longer each time, up to half a minute.
struct Wait(Duration);

impl Wait {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(30);

    fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(Self::LONGEST);
        wait
    }
}

async fn serve(args: &Args) {
    let identity = Identity {
        name: "memcg-knobs".to_owned(),
        index: args.index.clone(),
    };
    let events = args.events.as_ref().map(|url| Events::new(url, &args.node));
    let mut wait = Wait(Wait::FIRST);
    loop {
        let begin = Instant::now();
        match UnixStream::connect(&args.socket).await {
            Ok(trunk) => {
                let kernel = args.cgroup.clone().map_or_else(Kernel::here, Kernel::of);
                let plugin = Arc::new(Plugin::new(kernel, events.clone()));
                let ended = session(trunk, &identity, plugin).await;
                log(format_args!("{}: {ended}", args.socket.display()));
            }
            Err(error) => log(format_args!("{}: {error}", args.socket.display())),
        }
        // A session that lasted for a while resets the delay.
        if begin.elapsed() > Wait::LONGEST {
            wait = Wait(Wait::FIRST);
        }
        sleep(wait.next()).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        log(format_args!("signals cannot be handled"));
        return ExitCode::FAILURE;
    };
    tokio::select! {
        () = serve(&args) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    ExitCode::SUCCESS
}
