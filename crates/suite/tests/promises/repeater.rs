//! Publishes copies of other clients' commands, later and in another order.

use std::time::Duration;

use fastrand::Rng;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::task::JoinHandle;

use crate::harness::{Role, World};

/// One command in this many is repeated.
const REPEAT_ONE_IN: u8 = 8;
/// The longest delay of a copy.
const MAX_DELAY: Duration = Duration::from_millis(2_500);

pub(crate) struct Repeater {
    task: JoinHandle<usize>,
}

impl Repeater {
    /// Subscribes to all broadcast commands and repeats some of them.
    pub(crate) async fn start(world: &World, seed: u64) -> Self {
        let mut options = MqttOptions::new("repeater", "127.0.0.1", world.broker.plain_port());
        options.set_keep_alive(Duration::from_secs(5));
        if let Some(logins) = world.broker.logins() {
            let login = logins.login(Role::Inside, "repeater").await;
            options.set_credentials(&login.user, login.password());
        }
        Self { task: tokio::spawn(repeat(options, Rng::with_seed(seed))) }
    }

    pub(crate) fn stop(self) {
        self.task.abort();
    }
}

async fn repeat(options: MqttOptions, mut random: Rng) -> usize {
    let (client, mut events) = AsyncClient::new(options, 4096);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                // No local: it must not receive its own copies.
                let filter =
                    Filter { nolocal: true, ..Filter::new("server/postos/#", QoS::AtLeastOnce) };
                let _ = client.try_subscribe_many([filter]);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) if random.u8(0..REPEAT_ONE_IN) == 0 => {
                let max_delay = u64::try_from(MAX_DELAY.as_millis()).expect("a short time");
                let delay = Duration::from_millis(random.u64(0..max_delay));
                tokio::spawn(publish_copy(client.clone(), publish, delay));
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// The copy expires when the original does.
async fn publish_copy(client: AsyncClient, publish: Publish, delay: Duration) {
    let left =
        publish.properties.as_ref().and_then(|properties| properties.message_expiry_interval);
    let elapsed = u32::try_from(delay.as_secs()).expect("a short time") + 1;
    let Some(left) = left.and_then(|left| left.checked_sub(elapsed)).filter(|left| *left > 0)
    else {
        return;
    };
    tokio::time::sleep(delay).await;
    // The user properties carry the original expiry, so the copy keeps them.
    let original = publish.properties.unwrap_or_default();
    let properties = PublishProperties {
        message_expiry_interval: Some(left),
        user_properties: original.user_properties,
        ..PublishProperties::default()
    };
    let topic = String::from_utf8_lossy(&publish.topic).into_owned();
    let _ = client.try_publish_with_properties(
        topic,
        QoS::AtLeastOnce,
        false,
        publish.payload,
        properties,
    );
}
