//! A Mosquitto for one test, and a proxy in front of it whose connections can be broken.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::TEST_TIMEOUT;

/// A Mosquitto that can be killed and started again on its port.
pub(crate) struct Broker {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    extra: &'static str,
    child: Option<Child>,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// With additional lines in its configuration.
    pub(crate) async fn start_with(extra: &'static str) -> Self {
        let mut broker = Self::stopped(extra);
        broker.resume().await;
        broker
    }

    /// Chooses a port, and does not start yet.
    pub(crate) fn stopped(extra: &'static str) -> Self {
        Self { port: free_port(), folder: tempfile::tempdir().unwrap(), extra, child: None }
    }

    pub(crate) async fn resume(&mut self) {
        let config = self.folder.path().join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n\
             persistence false\nmax_inflight_messages 0\nmax_queued_messages 0\n{}",
            self.port, self.extra
        );
        std::fs::write(&config, text).unwrap();
        let child = Command::new(mosquitto())
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("mosquitto starts");
        self.child = Some(child);
        let listens = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(TEST_TIMEOUT, listens).await.expect("mosquitto listens");
    }

    /// SIGHUP: it reads its lists of users and rights again.
    pub(crate) fn hang_up(&self) {
        let pid = self.child.as_ref().and_then(Child::id).expect("the broker runs").to_string();
        let sent = std::process::Command::new("kill").args(["-HUP", &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        let mut child = self.child.take().expect("the broker runs");
        child.kill().await.unwrap();
    }
}

/// A port that no program listens on. It is below the range for outgoing connections, so that it is
/// still free when the broker is started, and again when it returns; no other tests use these.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const COUNT: u16 = 3_900;
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    (0..COUNT)
        .map(|_| 24_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

fn mosquitto() -> &'static str {
    let debian = "/usr/sbin/mosquitto";
    if Path::new(debian).exists() { debian } else { "mosquitto" }
}

/// A TCP proxy between a program and the broker.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    cut: watch::Sender<u64>,
    frozen: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(broker: &Broker) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let broker_port = broker.port;
        let cut = watch::Sender::new(0);
        let frozen = watch::Sender::new(false);
        let (cuts, freezes) = (cut.clone(), frozen.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut cut, mut frozen) = (cuts.subscribe(), freezes.subscribe());
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", broker_port)).await else {
                        return;
                    };
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                        () = async { drop(frozen.wait_for(|frozen| *frozen).await) } => {
                            // Nothing passes any more, and the connections stay open.
                            let _ = cut.changed().await;
                        }
                    }
                });
            }
        });
        Self { port, cut, frozen, task }
    }

    /// Closes every connection at both ends.
    pub(crate) fn cut(&self) {
        self.frozen.send_replace(false);
        self.cut.send_modify(|count| *count += 1);
    }

    /// Lets nothing through on the present connections.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
