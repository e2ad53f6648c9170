//! What the broker lets this servidor do, and whom it knows.

use std::io;

use bus::{Finding, Severity, Trial, TrialReport};
use bytes::Bytes;
use protocol::topics::{self, Command};
use protocol::{ClientId, RequestId};
use service::doctor::{
    Check, Instance, OwnPresence, PresenceSource, presence_checks, read_presences,
    unheard_presences,
};

use crate::bus_options::bus_options;
use crate::config::Config;

/// No posto and no reserva has this id.
const NO_ID: i64 = 0;

pub(super) struct BrokerChecks {
    pub(super) broker: Vec<Check>,
    pub(super) bus: Vec<Check>,
}

/// `instance`: what is known of the servidor on this machine.
pub(super) fn run_trial(config: &Config, instance: Instance) -> io::Result<BrokerChecks> {
    let trial = Trial {
        skip_login: instance.keeps_others_out(),
        publishes: messages(),
        options: bus_options(config, config.credentials()),
    };
    let TrialReport { findings, presences } = bus::run_trial_blocking(trial)?;
    let broker = findings.into_iter().map(check).collect();
    let bus = match presences {
        Some(seen) => bus_checks(config, instance, &seen),
        None => vec![unheard_presences()],
    };
    Ok(BrokerChecks { broker, bus })
}

pub(super) fn check(Finding { name, severity, found, remedy }: Finding) -> Check {
    match severity {
        Severity::Ok => Check::ok(name, found),
        Severity::Unchecked => Check::unchecked(name, found, remedy),
        Severity::Warning => Check::warning(name, found, remedy),
        Severity::Failure => Check::failure(name, found, remedy),
    }
}

/// One for each kind of topic that a servidor publishes on but its presence, which others act on. They
/// come from a servidor that nobody knows.
fn messages() -> Vec<(String, Bytes)> {
    let unknown = format!("doctor-{}", RequestId::new());
    let event = format!(
        r#"{{"server_id":"{unknown}","ponto_id":0,"disponivel":false,"em_manutencao":false,"timestamp":"{}"}}"#,
        service::now()
    );
    let event = Bytes::from(event);
    let mut messages = vec![
        (topics::ponto_status(NO_ID), event.clone()),
        (topics::reserva_status(NO_ID), event.clone()),
    ];
    if let Ok(client) = unknown.parse::<ClientId>() {
        let answers = Command::ALL.iter().map(|command| topics::response(&client, *command));
        let private = [topics::client_reserva_status(&client)];
        messages.extend(answers.chain(private).map(|topic| (topic, event.clone())));
    }
    messages
}

fn bus_checks(config: &Config, instance: Instance, seen: &[(String, Bytes)]) -> Vec<Check> {
    let server_id = config.server_id.as_str();
    let own = topics::presence(&config.server_id);
    let mut own_payloads: Vec<_> =
        seen.iter().filter(|(topic, _)| *topic == own).map(|(_, payload)| payload).collect();
    own_payloads.dedup();
    let changes = own_payloads.len();
    let seen = seen.iter().map(|(topic, payload)| (topic.as_str(), &**payload));
    let presences = read_presences(seen);
    let own = OwnPresence { server_id, instance, changes };
    // The outside door gives a servidor its own presence alone.
    let source = match config.credentials().has_name() {
        true => PresenceSource::OwnTopic,
        false => PresenceSource::Broker,
    };
    presence_checks(&presences, source, Some(own), service::now())
}
