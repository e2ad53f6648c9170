//! What is published for the clients of the day, as one that stays connected receives it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::clock::Clock;
use crate::harness::{Role, World};

const ID: &str = "day-listener";
/// Private events of the clients, and not one message of anything else.
const TOPIC: &str = "client/+/reservas/status";

/// An event about a reserva.
#[derive(Debug, Clone)]
pub(crate) struct PrivateEvent {
    pub(crate) client_id: String,
    pub(crate) event: Value,
}

#[derive(Debug, Default)]
struct Heard {
    events: Vec<PrivateEvent>,
    /// From when it was last connected until it was again, by the simulated clock.
    gaps: Vec<(i64, i64)>,
}

pub(crate) struct Listener {
    client: AsyncClient,
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// The broker keeps its session while it is away.
    pub(crate) async fn start(world: &World, clock: Clock) -> Self {
        let mut options = MqttOptions::new(ID, "127.0.0.1", world.broker.plain_port());
        if let Some(logins) = world.broker.logins() {
            let login = logins.login(Role::Inside, ID).await;
            options.set_credentials(&login.user, login.password());
        }
        options.set_keep_alive(Duration::from_secs(5)).set_clean_session(false);
        let (client, mut connection) = AsyncClient::new(options, 256);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (ready, mut subscribed) = tokio::sync::mpsc::unbounded_channel();
        let (own, sink) = (client.clone(), Arc::clone(&heard));
        let task = tokio::spawn(async move {
            let mut lost = None;
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        // A broker that was killed may have forgotten it.
                        let _ = own.try_subscribe(TOPIC, QoS::AtLeastOnce);
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        if let Some(since) = lost.take() {
                            let gap = (since, clock.now());
                            sink.lock().expect("no listener panicked").gaps.push(gap);
                        }
                        let _ = ready.send(());
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        let client_id = publish.topic.split('/').nth(1).unwrap_or_default();
                        let (events, _) =
                            protocol::split_array(&publish.payload).unwrap_or_default();
                        let published = events.into_iter().map(|event| PrivateEvent {
                            client_id: client_id.to_owned(),
                            event: serde_json::from_slice(event).unwrap_or_default(),
                        });
                        sink.lock().expect("no listener panicked").events.extend(published);
                    }
                    Ok(_) => {}
                    Err(_) => {
                        lost.get_or_insert_with(|| clock.now());
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        });
        subscribed.recv().await.expect("a subscription");
        Self { client, heard, task }
    }

    /// Publishes as a charger does, once the broker is there.
    pub(crate) async fn publish(&self, topic: &str, payload: &Value) {
        let sent = self.client.publish(topic, QoS::AtLeastOnce, false, payload.to_string());
        sent.await.expect("it is queued");
    }

    /// All that was heard, and when nothing could be.
    pub(crate) fn end(&self) -> (Vec<PrivateEvent>, Vec<(i64, i64)>) {
        self.task.abort();
        let mut heard = self.heard.lock().expect("no listener panicked");
        (std::mem::take(&mut heard.events), std::mem::take(&mut heard.gaps))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
