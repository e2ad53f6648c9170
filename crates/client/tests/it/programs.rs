//! A servidor that answers every command, and a gateway that sends some.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::{Bus, Delivery, Join, Outgoing};
use client::{Call, GatewayError, Reply, Requester};
use protocol::topics::Command;
use protocol::{RequestId, ServerId, split_array};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bus_support::{message, options, up};

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    request_id: Cow<'a, str>,
}

fn request_id(item: &[u8]) -> String {
    serde_json::from_slice::<Head<'_>>(item).unwrap().request_id.into_owned()
}

pub(crate) const COMMANDS: &str = "server/server1/postos/reserva";
pub(crate) const REPLIES: &str = "client/cliente1/postos/reserva/response";

/// How often each command arrived, and in how many packets.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) commands: HashMap<String, u32>,
    pub(crate) packets: usize,
    pub(crate) largest: usize,
}

/// A servidor that answers every command with its own `request_id`.
pub(crate) struct Echo {
    pub(crate) bus: Bus,
    pub(crate) seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Echo {
    pub(crate) async fn start(port: u16) -> Self {
        let (bus, mut deliveries) = bus::connect(options(port, "server1", &[COMMANDS]));
        up(&bus).await;
        let seen: Arc<Mutex<Seen>> = Arc::default();
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

fn echo(bus: &Bus, delivery: &Delivery, seen: &Mutex<Seen>) {
    let (items, joined) = split_array(&delivery.payload).unwrap();
    let mut seen = seen.lock().unwrap();
    seen.packets += 1;
    seen.largest = seen.largest.max(items.len());
    for item in items {
        let id = request_id(item);
        let reply = format!(r#"{{"request_id":"{id}","status":"sucesso"}}"#);
        *seen.commands.entry(id).or_default() += 1;
        let join = if joined { Join::Always } else { Join::Never };
        let reply = Outgoing { join, ..message(REPLIES, reply) };
        bus.publish(reply).unwrap();
    }
}

/// A gateway without HTTP.
pub(crate) struct Caller {
    pub(crate) bus: Bus,
    pub(crate) requester: Arc<Requester>,
    task: JoinHandle<()>,
}

impl Caller {
    pub(crate) async fn start(port: u16, capacity: usize) -> Self {
        let (bus, deliveries) = bus::connect(options(port, "cliente1", &[REPLIES]));
        up(&bus).await;
        let requester =
            Requester::start(bus.clone(), capacity, client::RequesterMetrics::default());
        let task = tokio::spawn(read_replies(deliveries, Arc::clone(&requester)));
        Self { bus, requester, task }
    }

    pub(crate) async fn call(&self, limit: Duration) -> Result<Reply, GatewayError> {
        self.requester.call(call(limit)).await
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_replies(mut deliveries: mpsc::Receiver<Delivery>, requester: Arc<Requester>) {
    while let Some(delivery) = deliveries.recv().await {
        let (items, _) = split_array(&delivery.payload).unwrap();
        for item in items {
            let reply = Reply { codigo: None, body: delivery.payload.slice_ref(item) };
            requester.deliver(&request_id(item), reply);
        }
        delivery.ack.done();
    }
}

pub(crate) fn server1() -> ServerId {
    "server1".parse().unwrap()
}

/// A new call to the [`Echo`].
pub(crate) fn call(limit: Duration) -> Call {
    let request_id = RequestId::new();
    let payload = format!(
        r#"{{"request_id":"{request_id}","client_id":"cliente1","server_id":"server1","posto_id":5}}"#
    );
    Call {
        command: Command::Consulta,
        request_id,
        server_id: server1(),
        topic: COMMANDS.to_owned(),
        payload: payload.into(),
        response_topic: REPLIES.to_owned(),
        deadline: Instant::now() + limit,
        join: Join::WhenWaiting,
        ask_about: None,
    }
}

pub(crate) fn reply(body: &'static str) -> Reply {
    Reply { codigo: None, body: body.into() }
}

pub(crate) fn timeout_error() -> GatewayError {
    GatewayError::Timeout { server_id: server1(), ask_about: None }
}
