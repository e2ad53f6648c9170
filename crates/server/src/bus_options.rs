//! How a servidor connects to the broker.

use std::sync::Arc;
use std::time::Duration;

use bus::Credentials;
use protocol::{Entrega, ServerPresence, ServerState, Timestamp, to_payload, topics};

use crate::config::Config;
use crate::failpoints::{self, Bug};
use crate::handlers;

/// Replies and events that may wait for the broker.
const OUTBOX: usize = 16_384;
/// How long the broker keeps messages for a servidor that is away.
const SESSION_EXPIRY: Duration = Duration::from_secs(3600);

pub(crate) fn bus_options(config: &Config, credentials: Credentials) -> bus::Options {
    let presence = |status| {
        let server_id = config.server_id.clone();
        let payload = move |desde: Timestamp| {
            let presence = ServerPresence {
                server_id: server_id.clone(),
                status,
                desde,
                versao: service::VERSION.to_owned(),
                entrega: vec![Entrega::Difusao, Entrega::Direta, Entrega::ListasEmDifusao],
            };
            // An empty payload would say that the servidor was removed.
            to_payload(&presence).expect("its keys are names of fields")
        };
        Arc::new(payload)
    };
    bus::Options {
        broker: config.mqtt_broker.clone(),
        port: config.mqtt_port,
        credentials,
        // Ids contain no colon, so no gateway can have this MQTT id.
        mqtt_id: format!("server:{}", config.server_id),
        subscriptions: topics::server_subscriptions(&config.server_id),
        as_published: topics::retained_reports(&config.server_id),
        on_demand: Vec::new(),
        presence: Some(bus::Presence {
            topic: topics::presence(&config.server_id),
            birth: presence(ServerState::Online),
            will: presence(ServerState::Offline),
        }),
        session_expiry: SESSION_EXPIRY,
        inbox_capacity: handlers::MAX_TASKS,
        outbox_capacity: OUTBOX,
        give_up_poison: !failpoints::has(Bug::KeepPoison),
    }
}
