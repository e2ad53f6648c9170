//! The broker of a test: the embedded one, or Debian's Mosquitto.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use suite::Broker;
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};

use super::TEST_TIMEOUT;
use super::doors::Doors;
use super::logins::{BrokerAccess, Logins};

pub(crate) struct TestBroker {
    port: u16,
    /// Of a broker that lets nobody in without a name.
    logins: Option<Logins>,
    state: State,
}

enum State {
    Embedded(Broker),
    Mosquitto {
        child: Child,
        config: std::path::PathBuf,
    },
    /// As `mosquitto/start.sh` starts it; programs use the inside listener.
    Doors(Box<Doors>),
    Stopped {
        config: Option<std::path::PathBuf>,
    },
}

/// The settings of `mosquitto/mosquitto.conf` that matter outside a container.
fn mosquitto_config(port: u16, logins: Option<&Logins>) -> String {
    let who = logins.map_or_else(|| "allow_anonymous true\n".to_owned(), Logins::config);
    format!(
        "listener {port} 127.0.0.1\n{who}set_tcp_nodelay true\n\
         max_inflight_messages 2000\nmax_queued_messages 200000\n"
    )
}

/// Where Mosquitto saves sessions, queues and retained messages.
const SAVED_STATE: &str = "mosquitto.db";

impl TestBroker {
    pub(crate) async fn start(folder: &Path) -> Self {
        if std::env::var("SUITE_BROKER").is_ok_and(|name| name.starts_with("mosquitto")) {
            return Self::mosquitto_with(folder, "").await;
        }
        let state = State::Stopped { config: None };
        let mut broker = Self { port: free_port(), logins: None, state };
        broker.start_again().await;
        broker
    }

    /// A Mosquitto that saves its state every two seconds.
    pub(crate) async fn persistent_mosquitto(folder: &Path) -> Self {
        let location = folder.display();
        let persistence =
            format!("persistence true\npersistence_location {location}/\nautosave_interval 2\n");
        Self::mosquitto(folder, BrokerAccess::from_environment(), &persistence).await
    }

    /// A Mosquitto with these further lines of configuration, that saves nothing. With rights among
    /// them, nobody has a name.
    pub(crate) async fn mosquitto_with(folder: &Path, extra_lines: &str) -> Self {
        let has_rights = extra_lines.contains("acl_file");
        let access =
            if has_rights { BrokerAccess::Anonymous } else { BrokerAccess::from_environment() };
        Self::mosquitto_with_access(folder, access, extra_lines).await
    }

    /// As [`mosquitto_with`](Self::mosquitto_with), with this access.
    pub(crate) async fn mosquitto_with_access(
        folder: &Path,
        access: BrokerAccess,
        extra_lines: &str,
    ) -> Self {
        Self::mosquitto(folder, access, &format!("persistence false\n{extra_lines}")).await
    }

    /// A broker with its two doors, which runs.
    pub(crate) fn behind_doors(doors: Doors) -> Self {
        Self { port: doors.inside().port, logins: None, state: State::Doors(Box::new(doors)) }
    }

    pub(crate) fn doors(&self) -> &Doors {
        let State::Doors(doors) = &self.state else { panic!("this broker has one listener") };
        doors
    }

    async fn mosquitto(folder: &Path, access: BrokerAccess, persistence: &str) -> Self {
        let port = free_port();
        let plain_port = if access == BrokerAccess::Tls { free_port() } else { port };
        let logins =
            (access != BrokerAccess::Anonymous).then(|| Logins::new(folder, access, plain_port));
        let config = folder.join("mosquitto.conf");
        // Started as root, Mosquitto drops its privileges and then cannot write to this folder.
        let text = format!("{}{persistence}user root\n", mosquitto_config(port, logins.as_ref()));
        std::fs::write(&config, text).expect("a configuration");
        let mut broker = Self { port, logins, state: State::Stopped { config: Some(config) } };
        broker.start_again().await;
        broker
    }

    /// Deletes what a stopped Mosquitto has saved.
    pub(crate) fn delete_saved_state(&self) {
        let State::Stopped { config: Some(config) } = &self.state else { return };
        let _ = std::fs::remove_file(config.with_file_name(SAVED_STATE));
    }

    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.state, State::Stopped { .. })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The users of a broker that knows everyone by name.
    pub(crate) fn logins(&self) -> Option<&Logins> {
        self.logins.as_ref()
    }

    /// The port for clients that speak no TLS.
    pub(crate) fn plain_port(&self) -> u16 {
        self.logins.as_ref().map_or(self.port, Logins::plain_port)
    }

    /// Starts it on the same port as before.
    pub(crate) async fn start_again(&mut self) {
        let State::Stopped { config } = &self.state else { panic!("it is running") };
        match config.clone() {
            Some(config) => self.start_mosquitto(config).await,
            None => self.start_embedded().await,
        }
    }

    async fn start_embedded(&mut self) {
        let tcp = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let deadline = Instant::now() + TEST_TIMEOUT;
        self.state = loop {
            match Broker::start(tcp, None).await {
                Ok(broker) => break State::Embedded(broker),
                // A program that another test starts holds the listeners of this process until its
                // `exec`, those too that are closed by now.
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
    }

    async fn start_mosquitto(&mut self, config: std::path::PathBuf) {
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&config).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin"));
        let child = command.spawn().expect("mosquitto is installed");
        let port = self.port;
        let deadline = Instant::now() + TEST_TIMEOUT;
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let (Some(logins), Some(pid)) = (&self.logins, child.id()) {
            logins.wait_for_broker().await;
            std::fs::write(logins.pid_file(), pid.to_string()).expect("a file");
        }
        self.state = State::Mosquitto { child, config };
    }

    /// Stops Mosquitto in good order, as `docker-compose restart` does: it publishes the Last Wills.
    pub(crate) async fn terminate(&mut self) {
        let State::Mosquitto { child, .. } = &mut self.state else { panic!("it is no Mosquitto") };
        let pid = child.id().expect("it is running").to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill runs").success());
        tokio::time::timeout(TEST_TIMEOUT, child.wait()).await.expect("it ends").expect("its end");
        self.kill().await;
    }

    /// Stops the broker: Mosquitto by SIGKILL, the embedded one without waiting for anything.
    pub(crate) async fn kill(&mut self) {
        if let Some(logins) = &self.logins {
            let _ = std::fs::remove_file(logins.pid_file());
        }
        let stopped = State::Stopped { config: None };
        let config = match std::mem::replace(&mut self.state, stopped) {
            State::Embedded(broker) => {
                broker.stop().await.expect("it stops");
                None
            }
            State::Mosquitto { mut child, config } => {
                child.kill().await.expect("it was running");
                Some(config)
            }
            State::Doors(_) => panic!("no test stops a broker with two doors"),
            State::Stopped { .. } => panic!("it is not running"),
        };
        self.state = State::Stopped { config };
    }
}

/// A port that no program listens on. It is below the range for outgoing connections, so that it
/// is still free when a restarted program binds it again, and none of those of the scripts of this
/// crate, which run beside the tests; nor is the one that is 2,000 more.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const COUNT: u16 = 3_900;
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("a small number");
    (0..COUNT)
        .map(|_| 13_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| nobody_listens(*port))
        .expect("a free port")
}

/// Binds without listening. A program that another test starts at this moment would keep a listener
/// open until its `exec`.
fn nobody_listens(port: u16) -> bool {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option of the socket");
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).is_ok()
}
