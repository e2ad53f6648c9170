//! A trial connection: what a program's settings lead to at the broker, without any effect there.
//!
//! It has an MQTT id of its own. Where there is a user name, the broker may make that the id: such a
//! connection would end that of the program, so it is made only while the program does not run, and
//! leaves the program's session as it is.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5::ConnAck;
use tokio::time::timeout;

use crate::certificates::validity;
use crate::connection::{Dialer, Opened, Reason, TrialConnection, resolve_by_system};
use crate::finding::Finding;
use crate::{Authorities, Credentials, Options};

/// For all of it.
const LIMIT: Duration = Duration::from_secs(8);
/// How much longer presences are waited for than the broker takes to answer a ping.
const LISTEN: Duration = Duration::from_millis(300);
/// Some hundred postos fit in such a packet.
const SMALL_PACKET: u32 = 256 * 1024;
const RENEW_BROKER: &str = "renew the broker's certificate: replace mosquitto/certs/broker.crt and \
    broker.key, then docker-compose exec broker usuario recarregar";
const RIGHTS: &str = "give it the rights of its role at the broker: docs/security.md has the table; \
    with the broker of docker-compose.yml, docker-compose exec broker usuario recarregar";

/// What is tried.
pub struct Trial {
    /// As the program uses them. Neither its MQTT id nor its presence is used.
    pub options: Options,
    /// False: no further than TLS.
    pub may_log_in: bool,
    /// Topics that the program must be allowed to publish on, each with a message that nobody acts on.
    pub publishes: Vec<(String, Bytes)>,
    /// The topic filter of the presences.
    pub presences: String,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Tried {
    pub findings: Vec<Finding>,
    /// Topics and payloads of presences, in the order in which they came. `None`: they could not be
    /// listened to.
    pub presences: Option<Vec<(String, Bytes)>>,
}

/// Tries one step after the other, and ends at the first that fails.
pub async fn try_out(trial: Trial) -> Tried {
    let mut tried = Tried::default();
    if timeout(LIMIT, run(&trial, &mut tried)).await.is_err() {
        let found = format!("{} did not go on within {LIMIT:?}", address(&trial.options));
        let remedy = "the broker or the network is too slow, or hangs: look at the broker's log";
        tried.findings.push(Finding::failure("answers", found, remedy));
    }
    tried
}

fn address(options: &Options) -> String {
    format!("{}:{}", options.broker, options.port)
}

async fn run(trial: &Trial, tried: &mut Tried) {
    let Trial { options, may_log_in, .. } = trial;
    let options = trial_options(options);
    let mut dialer = Dialer::new(Arc::new(resolve_by_system));
    let Some(opened) = open(&options, &mut dialer, tried).await else { return };
    if !may_log_in {
        tried.findings.push(Finding::unchecked(
            "login",
            "not tried, because the program runs and its user has only one connection",
            "GET /readyz of the program says whether it is connected; stop it to have login and rights \
             tried here",
        ));
        return;
    }
    let (mut connection, connack) = match TrialConnection::log_in(&options, opened).await {
        Ok(logged_in) => logged_in,
        Err(reason) => {
            let found = format!("{} does not let this program in", address(&options));
            return tried.findings.push(Finding::failure("login", found, reason.to_string()));
        }
    };
    let who = options.credentials.username.as_ref();
    let found = who.map_or("without a name".to_owned(), |user| format!("as {user:?}"));
    tried.findings.push(Finding::ok("login", format!("the broker accepts MQTT 5, {found}")));
    tried.findings.extend(limits(&Allowed::by(&connack)));
    if let Err(reason) = use_it(trial, &mut connection, &connack, tried).await {
        let found = format!("the connection ended meanwhile: {reason}");
        let remedy = format!("the broker's log says why; if it is about rights, {RIGHTS}");
        tried.findings.push(Finding::failure("rights", found, remedy));
    }
    tried.presences = connection.received();
}

/// Of the trial, which leaves no session where there was none.
fn trial_options(options: &Options) -> Options {
    let random = protocol::RequestId::new();
    let has_name = options.credentials.has_name();
    Options {
        mqtt_id: format!("doctor:{random}"),
        presence: None,
        // With a name, the session may be that of the program, and must live on.
        session_expiry: if has_name { options.session_expiry } else { Duration::ZERO },
        // No delivery is acknowledged, so that the program gets it.
        inbox: 1,
        ..options.clone()
    }
}

async fn open(options: &Options, dialer: &mut Dialer, tried: &mut Tried) -> Option<Opened> {
    let address = address(options);
    let stream = match TrialConnection::dial(options, dialer).await {
        Ok(stream) => stream,
        Err(reason) => {
            let found = format!("{address} cannot be reached");
            tried.findings.push(Finding::failure("reached", found, unreached(&reason)));
            return None;
        }
    };
    let peer = stream.peer_addr().ok().map(|peer| peer.ip());
    let shown = peer.map_or(String::new(), |peer| format!(" ({peer})"));
    tried.findings.push(Finding::ok("reached", format!("{address}{shown} accepts connections")));
    match TrialConnection::open(options, stream).await {
        Ok(opened) => {
            tried.findings.extend(encryption(&options.credentials, peer, &opened));
            Some(opened)
        }
        Err(reason) => {
            let found = format!("there is no TLS connection to {address}");
            tried.findings.push(Finding::failure("tls", found, reason.to_string()));
            None
        }
    }
}

fn unreached(reason: &Reason) -> String {
    match reason {
        Reason::Io(error) => {
            format!("{error}: start the broker, or correct MQTT_BROKER and MQTT_PORT")
        }
        Reason::ConnectTimeout => {
            format!(
                "{reason}: correct MQTT_BROKER and MQTT_PORT, or let its firewall admit this machine"
            )
        }
        other => other.to_string(),
    }
}

fn encryption(credentials: &Credentials, peer: Option<IpAddr>, opened: &Opened) -> Option<Finding> {
    if let Some(certificate) = opened.certificate() {
        return Some(validity("the broker's certificate", &certificate, RENEW_BROKER));
    }
    let is_elsewhere = peer.is_some_and(|peer| !peer.is_loopback());
    (credentials.username.is_some() && is_elsewhere).then(|| {
        Finding::warning(
            "tls",
            "the password and all messages can be read on the way".to_owned(),
            "give the broker a certificate, and name its authority in MQTT_CA_FILE",
        )
    })
}

/// What of the answer to a login matters to the programs. `None`: the broker set no limit.
#[derive(Default)]
struct Allowed {
    max_qos: Option<u8>,
    retained: Option<u8>,
    wildcards: Option<u8>,
    max_packet: Option<u32>,
    in_flight: Option<u16>,
}

impl Allowed {
    fn by(connack: &ConnAck) -> Self {
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
fn limits(allowed: &Allowed) -> Vec<Finding> {
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

/// Subscribes, publishes, and listens for presences.
async fn use_it(
    trial: &Trial,
    connection: &mut TrialConnection,
    connack: &ConnAck,
    tried: &mut Tried,
) -> Result<(), Reason> {
    // Another subscription to the same topics would take the place of the program's.
    if connack.session_present {
        tried.findings.push(Finding::unchecked(
            "subscriptions",
            "the broker keeps the session of the program, which has its subscriptions",
            "GET /readyz of the program says whether they are granted, once it runs",
        ));
    } else {
        let refused = connection.subscribe(&trial.options.subscriptions).await?;
        tried.findings.push(subscriptions(trial.options.subscriptions.len(), &refused));
    }
    let mut refused = Vec::new();
    for (topic, payload) in &trial.publishes {
        let code = connection.publish(topic, payload.clone()).await?;
        if code.is_error() {
            refused.push(format!("{topic}: {code}"));
        }
    }
    tried.findings.push(publishing(trial.publishes.len(), &refused));
    if !connack.session_present {
        connection.listen(&trial.presences, LISTEN).await?;
    }
    connection.close(connack.session_present).await
}

fn subscriptions(count: usize, refused: &[String]) -> Finding {
    if refused.is_empty() {
        // Mosquitto grants every one, and filters what it delivers.
        return Finding::ok("subscriptions", format!("the broker grants all {count}"));
    }
    let found = format!("the broker refuses {} of {count}: {}", refused.len(), refused.join(", "));
    Finding::failure("subscriptions", found, RIGHTS)
}

fn publishing(count: usize, refused: &[String]) -> Finding {
    if refused.is_empty() {
        return Finding::ok(
            "publishing",
            format!("the broker takes it on all {count} topics tried"),
        );
    }
    let found = format!("the broker refuses {} of {count}: {}", refused.len(), refused.join(", "));
    Finding::failure("publishing", found, RIGHTS)
}

impl Credentials {
    /// Whether the broker may know by them who this is, and allow only one connection for it.
    pub fn has_name(&self) -> bool {
        self.username.is_some() || self.certificate.is_some()
    }

    /// Whether the files can be used, and how long the certificates in them are valid.
    pub fn findings(&self) -> Vec<Finding> {
        if let Err(error) = self.check() {
            let found = "what the program logs in with cannot be used".to_owned();
            return vec![Finding::failure("login files", found, error.to_string())];
        }
        let mut findings = Vec::new();
        if let Some(Authorities::File(path)) = &self.authorities {
            for der in self.authority_certificates() {
                let what = format!("a certificate in {} (MQTT_CA_FILE)", path.display());
                let remedy = "put the authority's new certificate beside the old one in that file";
                findings.push(validity(&what, &der, remedy));
            }
        }
        if let Some(pair) = &self.certificate {
            let what = format!("{} (MQTT_CERT_FILE)", pair.certificate.display());
            let remedy = "have it renewed by the broker's authority, and replace MQTT_CERT_FILE and \
                          MQTT_KEY_FILE";
            findings.extend(self.own_certificate().map(|der| validity(&what, &der, remedy)));
        }
        findings
    }
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

    #[test]
    fn what_is_refused_is_named_with_where_rights_are_given() {
        let finding = subscriptions(3, &["a/#".to_owned(), "b".to_owned()]);
        assert_eq!(finding.found, "the broker refuses 2 of 3: a/#, b");
        assert!(
            finding.severity == Severity::Failure && finding.remedy.contains("docs/security.md")
        );
        let finding = publishing(2, &["a: not authorized (0x87)".to_owned()]);
        assert_eq!(finding.found, "the broker refuses 1 of 2: a: not authorized (0x87)");
    }
}
