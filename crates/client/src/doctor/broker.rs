//! What the broker lets this gateway do.

use std::io;

use bus::{Finding, Severity, Trial, TrialReport};
use bytes::Bytes;
use protocol::topics::{self, Command};
use protocol::{RequestId, ServerId};
use service::doctor::{
    Check, Instance, PresenceSource, presence_checks, read_presences, unheard_presences,
};

use crate::config::Config;
use crate::start::bus_options;

pub(super) struct BrokerChecks {
    pub(super) broker: Vec<Check>,
    /// Topics and payloads. `None`: they could not be listened to.
    pub(super) presences: Option<Vec<(String, Bytes)>>,
}

/// `instance`: what is known of the gateway on this machine.
pub(super) fn run_trial(config: &Config, instance: Instance) -> io::Result<BrokerChecks> {
    let trial = Trial {
        skip_login: instance.keeps_others_out(),
        publishes: messages(config),
        options: bus_options(config, config.credentials()),
    };
    let TrialReport { findings, presences } = bus::run_trial_blocking(trial)?;
    Ok(BrokerChecks { broker: findings.into_iter().map(check).collect(), presences })
}

pub(super) fn check(Finding { name, severity, found, remedy }: Finding) -> Check {
    match severity {
        Severity::Ok => Check::ok(name, found),
        Severity::Unchecked => Check::unchecked(name, found, remedy),
        Severity::Warning => Check::warning(name, found, remedy),
        Severity::Failure => Check::failure(name, found, remedy),
    }
}

/// Each command, on both kinds of topic, for a servidor that does not exist: all others drop it.
fn messages(config: &Config) -> Vec<(String, Bytes)> {
    let request_id = RequestId::new();
    let unknown = format!("doctor-{request_id}");
    let client_id = &config.client_id;
    let payload = Bytes::from(format!(
        r#"{{"request_id":"{request_id}","client_id":"{client_id}","server_id":"{unknown}"}}"#
    ));
    let mut topics: Vec<_> =
        Command::ALL.iter().map(|command| topics::broadcast(*command)).collect();
    if let Ok(server_id) = unknown.parse::<ServerId>() {
        topics.extend(Command::ALL.iter().map(|command| topics::direct(&server_id, *command)));
    }
    topics.into_iter().map(|topic| (topic, payload.clone())).collect()
}

/// What the broker retains of the servidores.
pub(super) fn bus_checks(seen: Option<&[(String, Bytes)]>) -> Vec<Check> {
    let Some(seen) = seen else { return vec![unheard_presences()] };
    let seen = seen.iter().map(|(topic, payload)| (topic.as_str(), &**payload));
    let presences = read_presences(seen);
    presence_checks(&presences, PresenceSource::Broker, None, service::now())
}
