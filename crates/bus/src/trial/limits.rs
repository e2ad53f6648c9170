//! What the broker says at the login of what it takes.

use rumqttc::v5::mqttbytes::v5::ConnAck;

use crate::finding::Finding;

/// Some hundred postos fit in such a packet.
const SMALL_PACKET: u32 = 256 * 1024;

/// What of the answer to a login matters to the programs. `None`: the broker set no limit.
#[derive(Default)]
pub(super) struct Allowed {
    max_qos: Option<u8>,
    retained: Option<u8>,
    wildcards: Option<u8>,
    max_packet: Option<u32>,
    in_flight: Option<u16>,
}

impl Allowed {
    pub(super) fn by(connack: &ConnAck) -> Self {
        let Some(said) = &connack.properties else { return Self::default() };
        Self {
            max_qos: said.max_qos,
            retained: said.retain_available,
            wildcards: said.wildcard_subscription_available,
            max_packet: said.max_packet_size,
            in_flight: said.receive_max,
        }
    }
}

/// What the broker said at the login that the programs cannot live with, or not well.
pub(super) fn limits(allowed: &Allowed) -> Vec<Finding> {
    const OTHER: &str =
        "use a broker that has it, or allow it in its configuration (Mosquitto 2 has it)";
    let mut findings = Vec::new();
    for (is_missing, what) in [
        (allowed.max_qos == Some(0), "QoS 1"),
        (allowed.retained == Some(0), "retained messages, which say who is online"),
        (allowed.wildcards == Some(0), "subscriptions with wildcards"),
    ] {
        if is_missing {
            findings.push(Finding::failure("limits", format!("the broker has no {what}"), OTHER));
        }
    }
    let packet = allowed.max_packet;
    if let Some(bytes) = packet.filter(|bytes| *bytes < SMALL_PACKET) {
        let found = format!("the broker takes packets of at most {bytes} bytes: long lists fail");
        let remedy = "raise max_packet_size in its mosquitto.conf";
        findings.push(Finding::warning("limits", found, remedy));
    }
    if findings.is_empty() {
        let packets = packet.map_or("any size".to_owned(), |bytes| format!("up to {bytes} bytes"));
        let in_flight = allowed.in_flight.unwrap_or(u16::MAX);
        let found = format!("packets of {packets}, {in_flight} in flight");
        findings.push(Finding::ok("limits", found));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn a_broker_that_lacks_what_the_programs_need_is_named() {
        let well = limits(&Allowed::default());
        assert!(well.len() == 1 && well[0].severity == Severity::Ok, "{well:?}");
        let rest = Allowed::default;
        for (allowed, found, remedy) in [
            (Allowed { max_qos: Some(0), ..rest() }, "no QoS 1", "Mosquitto 2"),
            (Allowed { retained: Some(0), ..rest() }, "no retained messages", "Mosquitto 2"),
            (Allowed { wildcards: Some(0), ..rest() }, "no subscriptions", "Mosquitto 2"),
            (Allowed { max_packet: Some(1000), ..rest() }, "at most 1000", "max_packet_size"),
        ] {
            let findings = limits(&allowed);
            assert!(findings.len() == 1 && findings[0].severity != Severity::Ok, "{findings:?}");
            assert!(findings[0].found.contains(found), "{findings:?}");
            assert!(findings[0].remedy.contains(remedy), "{findings:?}");
        }
    }
}
