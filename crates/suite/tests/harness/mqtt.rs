//! A plain MQTT 3.1.1 client, like a car, a charger or the seed's gateway.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{Role, TEST_TIMEOUT, World};

/// The topic of [`PlainClient::catch_up`].
pub(crate) const MARKER: &str = "marker";

pub(crate) struct PlainClient {
    client: AsyncClient,
    messages: mpsc::UnboundedReceiver<(String, Value)>,
    /// Messages received while `next` waited for another topic.
    earlier: Vec<(String, Value)>,
    _task: AbortOnDropHandle<()>,
}

impl PlainClient {
    /// Connects and subscribes; the broker has confirmed the subscriptions when this returns.
    pub(crate) async fn subscribe(world: &World, id: &str, topics: &[&str]) -> Self {
        Self::subscribe_as(Role::Inside, world, id, topics).await
    }

    /// With the rights of a role, where the broker knows everyone by name.
    pub(crate) async fn subscribe_as(role: Role, world: &World, id: &str, topics: &[&str]) -> Self {
        let mut options = MqttOptions::new(id, "127.0.0.1", world.broker.plain_port());
        if let Some(logins) = world.broker.logins() {
            let login = logins.login(role, id).await;
            options.set_credentials(&login.user, login.password());
        }
        options.set_keep_alive(Duration::from_secs(5)).set_max_packet_size(1 << 24, 1 << 24);
        let (client, mut events) = AsyncClient::new(options, 64);
        let (sender, messages) = mpsc::unbounded_channel();
        let (ready, mut subscribed) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::Publish(publish)) => {
                        let json = serde_json::from_slice(&publish.payload).unwrap_or_default();
                        let _ = sender.send((publish.topic, json));
                    }
                    Event::Incoming(Packet::SubAck(_)) => drop(ready.send(())),
                    _ => {}
                }
            }
        });
        for topic in topics {
            client.subscribe(*topic, QoS::AtLeastOnce).await.expect("a subscription");
            subscribed.recv().await.expect("a subscription");
        }
        Self { client, messages, earlier: Vec::new(), _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) async fn publish(&self, topic: &str, payload: impl ToString) {
        self.send(topic, payload.to_string(), false).await;
    }

    /// As [`publish`](Self::publish), with the retain flag.
    pub(crate) async fn publish_retained(&self, topic: &str, payload: impl ToString) {
        self.send(topic, payload.to_string(), true).await;
    }

    async fn send(&self, topic: &str, payload: String, retain: bool) {
        let published = self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await;
        published.expect("it is published");
    }

    /// The next message on a topic; those on others are kept for later.
    pub(crate) async fn next(&mut self, topic: &str) -> Value {
        let found = tokio::time::timeout(TEST_TIMEOUT, self.next_at_any_time(topic)).await;
        found.unwrap_or_else(|_| panic!("no message on {topic}"))
    }

    /// As [`next`](Self::next), of a message that may never come.
    pub(crate) async fn next_at_any_time(&mut self, topic: &str) -> Value {
        if let Some(place) = self.earlier.iter().position(|(at, _)| at == topic) {
            return self.earlier.remove(place).1;
        }
        loop {
            let (at, message) = self.messages.recv().await.expect("a connection");
            if at == topic {
                return message;
            }
            self.earlier.push((at, message));
        }
    }

    /// Waits for a message of its own: it has then received all that the broker had before. It must
    /// have subscribed to [`MARKER`].
    pub(crate) async fn catch_up(&mut self) {
        self.publish(MARKER, "{}").await;
        self.next(MARKER).await;
    }

    /// The messages on a topic that were received by now and not returned by `next`.
    pub(crate) fn received(&mut self, topic: &str) -> Vec<Value> {
        while let Ok(message) = self.messages.try_recv() {
            self.earlier.push(message);
        }
        let on_topic = self.earlier.iter().filter(|(at, _)| at == topic);
        on_topic.map(|(_, message)| message.clone()).collect()
    }
}
