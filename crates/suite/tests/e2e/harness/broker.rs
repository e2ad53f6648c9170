//! The broker of a test: embedded, or Mosquitto as Debian packages it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use suite::{Broker, BrokerOptions};
use tokio::process::{Child, Command};

use super::eventually;

pub(crate) struct TestBroker {
    port: u16,
    running: Running,
}

enum Running {
    Embedded(Broker),
    Mosquitto { child: Child, config: std::path::PathBuf },
    Nothing { config: Option<std::path::PathBuf> },
}

/// As in the project's own mosquitto.conf, without what only containers have.
fn mosquitto_config(port: u16) -> String {
    format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n\
         persistence false\nmax_inflight_messages 2000\nmax_queued_messages 0\n"
    )
}

impl TestBroker {
    pub(crate) async fn start(folder: &Path) -> Self {
        let mut broker = Self { port: 0, running: Running::Nothing { config: None } };
        if std::env::var("SUITE_BROKER").as_deref() == Ok("mosquitto") {
            broker.port = free_port();
            let config = folder.join("mosquitto.conf");
            std::fs::write(&config, mosquitto_config(broker.port)).expect("a configuration");
            broker.running = Running::Nothing { config: Some(config) };
        }
        broker.start_again().await;
        broker
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it on the same port as before, with nothing remembered.
    pub(crate) async fn start_again(&mut self) {
        let Running::Nothing { config } = &self.running else { panic!("it is running") };
        match config.clone() {
            Some(config) => self.start_mosquitto(config).await,
            None => {
                let tcp = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
                let options = BrokerOptions { tcp, websocket: None };
                let broker = Broker::start(options).await.expect("the broker starts");
                self.port = broker.addr().port();
                self.running = Running::Embedded(broker);
            }
        }
    }

    async fn start_mosquitto(&mut self, config: std::path::PathBuf) {
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&config).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin"));
        let child = command.spawn().expect("mosquitto is installed");
        let port = self.port;
        eventually("mosquitto listens", async || {
            tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok()
        })
        .await;
        self.running = Running::Mosquitto { child, config };
    }

    /// Ends it; Mosquitto without a word, the embedded one as abruptly as it can.
    pub(crate) async fn kill(&mut self) {
        let nothing = Running::Nothing { config: None };
        let config = match std::mem::replace(&mut self.running, nothing) {
            Running::Embedded(broker) => {
                broker.stop().await.expect("it stops");
                None
            }
            Running::Mosquitto { mut child, config } => {
                child.kill().await.expect("it was running");
                Some(config)
            }
            Running::Nothing { .. } => panic!("it is not running"),
        };
        self.running = Running::Nothing { config };
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
