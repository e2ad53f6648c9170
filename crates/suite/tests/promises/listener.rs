//! Receives what is published for all clients about their reservas.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::task::JoinHandle;

use super::history::{PrivateEvent, Window, now};
use crate::harness::{Role, World};

/// A lost connection may be noticed this much later.
const NOTICED: i64 = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) published: Vec<PrivateEvent>,
    /// From when until when it was not subscribed.
    pub(crate) silences: Vec<Window>,
    /// Events that cannot be read.
    pub(crate) unreadable: Vec<String>,
}

pub(crate) struct Listener {
    received: Arc<Mutex<Received>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Subscribed when this returns.
    pub(crate) async fn start(world: &World) -> Self {
        let mut options = MqttOptions::new("listener", "127.0.0.1", world.broker.plain_port());
        options.set_keep_alive(Duration::from_secs(5));
        if let Some(logins) = world.broker.logins() {
            let login = logins.login(Role::Inside, "listener").await;
            options.set_credentials(&login.user, login.password());
        }
        let received = Arc::new(Mutex::new(Received::default()));
        let (ready, subscribed) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(listen(options, Arc::clone(&received), ready));
        subscribed.await.expect("a subscription");
        Self { received, task }
    }

    pub(crate) fn stop(self) -> Received {
        self.task.abort();
        std::mem::take(&mut *self.received.lock().expect("the listener did not panic"))
    }
}

async fn listen(
    options: MqttOptions,
    received: Arc<Mutex<Received>>,
    ready: tokio::sync::oneshot::Sender<()>,
) {
    let (client, mut events) = AsyncClient::new(options, 4096);
    let (mut ready, mut unsubscribed_since) = (Some(ready), None);
    loop {
        let event = events.poll().await;
        let mut received = received.lock().expect("the listener did not panic");
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                let _ = client.try_subscribe("client/+/reservas/status", QoS::AtLeastOnce);
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                received.silences.extend(unsubscribed_since.take().map(|since| (since, now())));
                let _ = ready.take().map(|ready| ready.send(()));
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => match read(&publish) {
                Some(published) => received.published.extend(published),
                None => received.unreadable.push(format!("{publish:?}")),
            },
            Ok(_) => {}
            Err(_) => {
                unsubscribed_since.get_or_insert(now() - NOTICED);
                drop(received);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One event, or an array of them.
fn read(publish: &Publish) -> Option<Vec<PrivateEvent>> {
    let topic = std::str::from_utf8(&publish.topic).ok()?;
    let client_id = topic.strip_prefix("client/")?.strip_suffix("/reservas/status")?;
    let (events, _) = protocol::split_array(&publish.payload).ok()?;
    let read = |event| PrivateEvent::of(client_id, &serde_json::from_slice(event).ok()?);
    events.into_iter().map(read).collect()
}
