//! Says again what others have said: copies of commands, later and in another order.

use std::time::Duration;

use fastrand::Rng;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, PublishProperties};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};
use tokio::task::JoinHandle;

/// One command in this many is said again.
const ONE_IN: u8 = 8;
/// The longest a copy is held back.
const LATEST: Duration = Duration::from_millis(2_500);

pub(crate) struct Parrot {
    task: JoinHandle<usize>,
}

impl Parrot {
    /// Listens to all commands that are broadcast, and repeats some of them.
    pub(crate) fn start(broker_port: u16, seed: u64) -> Self {
        Self { task: tokio::spawn(repeat(broker_port, Rng::with_seed(seed))) }
    }

    pub(crate) fn stop(self) {
        self.task.abort();
    }
}

async fn repeat(broker_port: u16, mut random: Rng) -> usize {
    let mut options = MqttOptions::new("parrot", "127.0.0.1", broker_port);
    options.set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 4096);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                // No local: it must not repeat itself for ever.
                let filter =
                    Filter { nolocal: true, ..Filter::new("server/postos/#", QoS::AtLeastOnce) };
                let _ = client.try_subscribe_many([filter]);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) if random.u8(0..ONE_IN) == 0 => {
                let latest = u64::try_from(LATEST.as_millis()).expect("a short time");
                let delay = Duration::from_millis(random.u64(0..latest));
                tokio::spawn(say_again(client.clone(), publish, delay));
            }
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// The copy expires when the original does: a parrot does not give anybody more time.
async fn say_again(client: AsyncClient, publish: Publish, delay: Duration) {
    let left =
        publish.properties.as_ref().and_then(|properties| properties.message_expiry_interval);
    let gone = u32::try_from(delay.as_secs()).expect("a short time") + 1;
    let Some(left) = left.and_then(|left| left.checked_sub(gone)).filter(|left| *left > 0) else {
        return;
    };
    tokio::time::sleep(delay).await;
    // A copy to the letter: what else is said of its expiry stays with it.
    let said = publish.properties.unwrap_or_default();
    let properties = PublishProperties {
        message_expiry_interval: Some(left),
        user_properties: said.user_properties,
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
