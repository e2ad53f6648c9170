//! An MQTT 5 client that shows and sends user properties.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{Role, TEST_TIMEOUT, World};

pub(crate) struct Client5 {
    client: AsyncClient,
    messages: mpsc::UnboundedReceiver<Publish>,
    _task: AbortOnDropHandle<()>,
}

impl Client5 {
    /// Connects and subscribes; the broker has confirmed the subscriptions when this returns.
    pub(crate) async fn subscribe(world: &World, id: &str, topics: &[&str]) -> Self {
        let mut options = MqttOptions::new(id, "127.0.0.1", world.broker.plain_port());
        if let Some(logins) = world.broker.logins() {
            let login = logins.login(Role::Inside, id).await;
            options.set_credentials(&login.user, login.password());
        }
        options.set_keep_alive(Duration::from_secs(5)).set_max_packet_size(Some(1 << 24));
        let (client, mut events) = AsyncClient::new(options, 64);
        let (sender, messages) = mpsc::unbounded_channel();
        let (ready, mut subscribed) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::Publish(publish)) => drop(sender.send(publish)),
                    Event::Incoming(Packet::SubAck(_)) => drop(ready.send(())),
                    _ => {}
                }
            }
        });
        for topic in topics {
            client.subscribe(*topic, QoS::AtLeastOnce).await.expect("a subscription");
            subscribed.recv().await.expect("a subscription");
        }
        Self { client, messages, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) async fn publish(
        &self,
        topic: &str,
        payload: impl ToString,
        user_properties: &[(&str, &str)],
    ) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let user_properties = user_properties.iter().map(owned).collect();
        let properties = PublishProperties { user_properties, ..PublishProperties::default() };
        let payload = payload.to_string();
        let qos = QoS::AtLeastOnce;
        let published = self.client.publish_with_properties(topic, qos, false, payload, properties);
        published.await.expect("it is published");
    }

    /// The topic of the next message and its properties named `traceparent`.
    pub(crate) async fn next_traceparents(&mut self) -> (String, Vec<String>) {
        let next = tokio::time::timeout(TEST_TIMEOUT, self.messages.recv()).await;
        let publish = next.expect("a message").expect("a connection");
        let properties = publish.properties.unwrap_or_default().user_properties;
        let ours = properties.into_iter().filter(|(name, _)| name == "traceparent");
        let topic = String::from_utf8(publish.topic.to_vec()).expect("a topic");
        (topic, ours.map(|(_, value)| value).collect())
    }
}
