//! A broker of one's own, and programs to put on it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Call, Delivery, Join, Link, Options, Outgoing, Presence, Requester};
use bytes::Bytes;
use protocol::{RequestId, ServerId, split};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Time enough for anything that is going to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

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

    /// With more lines in its configuration.
    pub(crate) async fn start_with(extra: &'static str) -> Self {
        let mut broker = Self::stopped(extra);
        broker.resume().await;
        broker
    }

    /// Its port is known, and nobody listens there yet.
    pub(crate) fn stopped(extra: &'static str) -> Self {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Self {
            port: free.local_addr().unwrap().port(),
            folder: tempfile::tempdir().unwrap(),
            extra,
            child: None,
        }
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
        timeout(PATIENCE, listens).await.expect("mosquitto listens");
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        let mut child = self.child.take().expect("the broker runs");
        child.kill().await.unwrap();
    }
}

fn mosquitto() -> &'static str {
    let debian = "/usr/sbin/mosquitto";
    if Path::new(debian).exists() {
        debian
    } else {
        "mosquitto"
    }
}

/// Stands between a program and the broker, to cut the line.
pub(crate) struct Line {
    pub(crate) port: u16,
    cut: watch::Sender<u64>,
    frozen: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Line {
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
                            // Nothing passes any more, and nobody is told.
                            let _ = cut.changed().await;
                        }
                    }
                });
            }
        });
        Self {
            port,
            cut,
            frozen,
            task,
        }
    }

    /// Closes every connection at both ends.
    pub(crate) fn cut(&self) {
        self.frozen.send_replace(false);
        self.cut.send_modify(|count| *count += 1);
    }

    /// Lets nothing through on the connections of now.
    pub(crate) fn freeze(&self) {
        self.frozen.send_replace(true);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn options(port: u16, mqtt_id: &str, subscriptions: &[&str]) -> Options {
    Options {
        broker: "127.0.0.1".to_owned(),
        port,
        mqtt_id: mqtt_id.to_owned(),
        subscriptions: subscriptions.iter().map(|&one| one.to_owned()).collect(),
        presence: None,
        session_expiry: Duration::from_secs(60),
        inbox: 1024,
        outbox: 10_000,
    }
}

pub(crate) fn presence(topic: &str) -> Presence {
    Presence {
        topic: topic.to_owned(),
        birth: Arc::new(|since| format!("online {since}").into_bytes()),
        will: Arc::new(|since| format!("offline {since}").into_bytes()),
    }
}

pub(crate) fn message(topic: &str, payload: impl Into<Bytes>) -> Outgoing {
    Outgoing {
        topic: topic.to_owned(),
        payload: payload.into(),
        expires_at: None,
        retain: false,
        response_topic: None,
        correlation: None,
        join: Join::Never,
    }
}

/// Waits for the link to be up; gives the connection's number.
pub(crate) async fn up(bus: &Bus) -> u64 {
    up_after(bus, 0).await
}

/// Waits for a connection later than `generation`.
pub(crate) async fn up_after(bus: &Bus, generation: u64) -> u64 {
    let mut link = bus.link();
    let later = |link: &Link| matches!(link, Link::Up { generation: now, .. } if *now > generation);
    let found = timeout(PATIENCE, link.wait_for(later)).await;
    match *found.expect("the link comes up").expect("the bus lives") {
        Link::Up { generation, .. } => generation,
        Link::Down => unreachable!("waited for up"),
    }
}

pub(crate) async fn down(bus: &Bus) {
    let mut link = bus.link();
    let found = timeout(PATIENCE, link.wait_for(|link| *link == Link::Down)).await;
    found.expect("the link goes down").expect("the bus lives");
}

/// The next delivery.
pub(crate) async fn next(deliveries: &mut mpsc::Receiver<Delivery>) -> Delivery {
    let next = timeout(PATIENCE, deliveries.recv()).await;
    next.expect("something is delivered")
        .expect("the bus lives")
}

/// The next payload, acknowledged.
pub(crate) async fn next_text(deliveries: &mut mpsc::Receiver<Delivery>) -> String {
    let delivery = next(deliveries).await;
    delivery.ack.done();
    String::from_utf8(delivery.payload.to_vec()).unwrap()
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    request_id: std::borrow::Cow<'a, str>,
}

fn request_id(item: &[u8]) -> String {
    serde_json::from_slice::<Head<'_>>(item)
        .unwrap()
        .request_id
        .into_owned()
}

pub(crate) const COMMANDS: &str = "server/server1/postos/reserva";
pub(crate) const REPLIES: &str = "client/cliente1/postos/reserva/response";

/// How often each command arrived, in which packets.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) commands: std::collections::HashMap<String, u32>,
    pub(crate) packets: usize,
    pub(crate) largest: usize,
}

/// A servidor that answers every command with its own `request_id`.
pub(crate) struct Echo {
    pub(crate) bus: Bus,
    pub(crate) seen: Arc<std::sync::Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Echo {
    pub(crate) async fn start(port: u16) -> Self {
        let (bus, mut deliveries) = bus::connect(options(port, "server1", &[COMMANDS]));
        up(&bus).await;
        let seen: Arc<std::sync::Mutex<Seen>> = Arc::default();
        let (answers, record) = (bus.clone(), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Some(delivery) = deliveries.recv().await {
                echo(&answers, &delivery, &record);
                delivery.ack.done();
            }
        });
        Self { bus, seen, task }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn echo(bus: &Bus, delivery: &Delivery, seen: &std::sync::Mutex<Seen>) {
    let (items, joined) = split(&delivery.payload).unwrap();
    let mut seen = seen.lock().unwrap();
    seen.packets += 1;
    seen.largest = seen.largest.max(items.len());
    for item in items {
        let id = request_id(item);
        let reply = format!(r#"{{"request_id":"{id}","status":"sucesso"}}"#);
        *seen.commands.entry(id).or_default() += 1;
        let join = if joined { Join::Always } else { Join::Never };
        let reply = Outgoing {
            join,
            ..message(REPLIES, reply)
        };
        bus.publish(reply).unwrap();
    }
}

/// A gateway.
pub(crate) struct Caller {
    pub(crate) bus: Bus,
    pub(crate) requester: Requester,
    task: JoinHandle<()>,
}

impl Caller {
    pub(crate) async fn start(port: u16, max_pending: usize) -> Self {
        let (bus, deliveries) = bus::connect(options(port, "cliente1", &[REPLIES]));
        up(&bus).await;
        let requester = Requester::new(bus.clone(), max_pending);
        let task = tokio::spawn(read_replies(deliveries, requester.clone()));
        Self {
            bus,
            requester,
            task,
        }
    }

    pub(crate) async fn call(&self, limit: Duration) -> Result<Bytes, bus::CallError> {
        self.requester.call(call(limit)).await
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_replies(mut deliveries: mpsc::Receiver<Delivery>, requester: Requester) {
    while let Some(delivery) = deliveries.recv().await {
        let (items, _) = split(&delivery.payload).unwrap();
        for item in items {
            let reply = delivery.payload.slice_ref(item);
            requester.deliver(&request_id(item), reply);
        }
        delivery.ack.done();
    }
}

pub(crate) fn server1() -> ServerId {
    "server1".parse().unwrap()
}

/// A call of its own to the echo.
pub(crate) fn call(limit: Duration) -> Call {
    let request_id = RequestId::new();
    let payload = format!(
        r#"{{"request_id":"{request_id}","client_id":"cliente1","server_id":"server1","posto_id":5}}"#
    );
    Call {
        request_id,
        server_id: server1(),
        topic: COMMANDS.to_owned(),
        payload: payload.into(),
        response_topic: REPLIES.to_owned(),
        deadline: Instant::now() + limit,
        join: Join::WhenWaiting,
    }
}

/// Shows the log of a test that is run with `--nocapture`.
pub(crate) fn logs() {
    let filter = tracing_subscriber::EnvFilter::new("bus=debug");
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .try_init();
}
