//! A trial connection: what a program's settings lead to at the broker, without any effect there.
//!
//! It has an MQTT id of its own. Where there is a user name, the broker may make that the id: such a
//! connection would end that of the program, so it is made only while the program does not run, and
//! leaves the program's session as it is.

mod limits;
mod rights;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::topics;
use rumqttc::v5::mqttbytes::v5::ConnAck;
use tokio::time::{Instant, timeout, timeout_at};

use crate::certificates::validity;
use crate::connection::{Dialer, Opened, Reason, TrialConnection, resolve_by_system};
use crate::finding::Finding;
use crate::{Credentials, Options};
use limits::{Allowed, limits};
use rights::{RIGHTS, publishing, subscriptions};

/// For the whole trial.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(8);
/// How long it may take to leave after that.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(500);
/// How much longer presences are waited for than the broker takes to answer a ping.
const PRESENCE_WAIT: Duration = Duration::from_millis(300);
/// How long it may take to find out whether nobody needs a name.
const ANONYMOUS_TIMEOUT: Duration = Duration::from_secs(2);
const RENEW_BROKER: &str = "renew the broker's certificate: replace mosquitto/certs/broker.crt and \
    broker.key, then docker-compose exec broker usuario recarregar";

/// What is tried.
pub struct Trial {
    /// As the program uses them. Neither its MQTT id nor its presence is used.
    pub options: Options,
    /// If set and the login has a name, the trial stops before it. The text completes a sentence that
    /// ends in "because".
    pub skip_login: Option<&'static str>,
    /// Topics that the program must be allowed to publish on, each with a message that nobody acts on.
    pub publishes: Vec<(String, Bytes)>,
}

/// What a trial has found.
#[derive(Debug, Default)]
pub struct TrialReport {
    pub findings: Vec<Finding>,
    /// Topics and payloads of presences, in the order in which they came. `None`: they could not be
    /// listened to.
    pub presences: Option<Vec<(String, Bytes)>>,
}

/// Runs a trial as [`run_trial`] does, on a runtime of its own.
///
/// # Errors
/// There can be no runtime.
pub fn run_trial_blocking(trial: Trial) -> io::Result<TrialReport> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(run_trial(trial));
    // A resolver may hang on a thread of the runtime.
    runtime.shutdown_background();
    Ok(report)
}

/// Takes one step after the other, and ends at the first that fails.
pub async fn run_trial(trial: Trial) -> TrialReport {
    let mut report = TrialReport::default();
    let deadline = Instant::now() + TRIAL_TIMEOUT;
    match timeout_at(deadline, enter(&trial, &mut report)).await {
        Ok(None) => {}
        Ok(Some((connection, connack))) => {
            use_and_leave(&trial, connection, &connack, deadline, &mut report).await;
        }
        Err(_) => report.findings.push(too_slow(&trial.options)),
    }
    report
}

fn too_slow(options: &Options) -> Finding {
    let found = format!("{} did not go on within {TRIAL_TIMEOUT:?}", address(options));
    let remedy = "the broker or the network is too slow, or hangs: look at the broker's log";
    Finding::failure("answers", found, remedy)
}

fn address(options: &Options) -> String {
    format!("{}:{}", options.broker, options.port)
}

/// Goes as far as the login; `None` if that was not tried or has failed.
async fn enter(trial: &Trial, report: &mut TrialReport) -> Option<(TrialConnection, ConnAck)> {
    let options = trial_options(&trial.options);
    let mut dialer = Dialer::new(Arc::new(resolve_by_system));
    let opened = open(&options, &mut dialer, report).await?;
    report.findings.extend(anonymous_login(&options, &mut dialer).await);
    let skip_login = trial.skip_login.filter(|_| options.credentials.has_name());
    if let Some(why) = skip_login {
        let found = format!("not tried, because {why} and its user has only one connection");
        let remedy = "GET /readyz of the program says whether it is connected; stop it, and what else the \
                      lines of `program` name, to have login and rights tried here";
        report.findings.push(Finding::unchecked("login", &found, remedy));
        return None;
    }
    let (connection, connack) = match TrialConnection::log_in(&options, opened).await {
        Ok(logged_in) => logged_in,
        Err(reason) => {
            let found = format!("{} does not let this program in", address(&options));
            report.findings.push(Finding::failure("login", found, reason.to_string()));
            return None;
        }
    };
    let who = options.credentials.username.as_ref();
    let found = who.map_or("without a name".to_owned(), |user| format!("as {user:?}"));
    report.findings.push(Finding::ok("login", format!("the broker accepts MQTT 5, {found}")));
    report.findings.extend(limits(&Allowed::by(&connack)));
    Some((connection, connack))
}

async fn use_and_leave(
    trial: &Trial,
    mut connection: TrialConnection,
    connack: &ConnAck,
    deadline: Instant,
    report: &mut TrialReport,
) {
    let used = timeout_at(deadline, use_it(trial, &mut connection, connack, report)).await;
    // Else a session with the program's subscriptions would be kept for the days of its expiry.
    let _ = timeout(LEAVE_TIMEOUT, connection.close(connack.session_present)).await;
    match used {
        Ok(Ok(())) => report.presences = connection.received(),
        Ok(Err(reason)) => {
            let found = format!("the connection ended meanwhile: {reason}");
            let remedy = format!("the broker's log says why; if it is about rights, {RIGHTS}");
            report.findings.push(Finding::failure("rights", found, remedy));
        }
        Err(_) => report.findings.push(too_slow(&trial.options)),
    }
}

/// Makes the options of the trial, which leaves no session where there was none.
fn trial_options(options: &Options) -> Options {
    let has_name = options.credentials.has_name();
    Options {
        mqtt_id: new_id(),
        presence: None,
        // With a name, the session may be that of the program, and must live on.
        session_expiry: if has_name { options.session_expiry } else { Duration::ZERO },
        // No delivery is acknowledged, so that the program gets it.
        inbox_capacity: 1,
        ..options.clone()
    }
}

/// Makes an MQTT client id that no program has: none begins with `doctor:`.
fn new_id() -> String {
    format!("doctor:{}", protocol::RequestId::new())
}

/// Whether the broker lets everybody in, though this program has a name. With a certificate it might
/// know the program by that.
async fn anonymous_login(options: &Options, dialer: &mut Dialer) -> Option<Finding> {
    let Credentials { username: Some(_), certificate: None, authorities, .. } =
        &options.credentials
    else {
        return None;
    };
    let credentials = Credentials { authorities: authorities.clone(), ..Credentials::default() };
    let session_expiry = Duration::ZERO;
    let anonymous = Options { credentials, session_expiry, mqtt_id: new_id(), ..options.clone() };
    let entering = async {
        let stream = TrialConnection::dial(&anonymous, dialer).await?;
        let opened = TrialConnection::open(&anonymous, stream).await?;
        let (mut connection, _) = TrialConnection::log_in(&anonymous, opened).await?;
        connection.close(false).await
    };
    let is_in = timeout(ANONYMOUS_TIMEOUT, entering).await.is_ok_and(|entered| entered.is_ok());
    is_in.then(|| {
        let found = "the broker lets everybody in at this port, without a name".to_owned();
        let remedy = "if strangers reach the port, close it: leave BROKER_ABERTO out of .env and \
                      docker-compose up -d broker, or set allow_anonymous false in mosquitto.conf";
        Finding::warning("anonymous login", found, remedy)
    })
}

async fn open(options: &Options, dialer: &mut Dialer, report: &mut TrialReport) -> Option<Opened> {
    let address = address(options);
    let stream = match TrialConnection::dial(options, dialer).await {
        Ok(stream) => stream,
        Err(reason) => {
            let found = format!("{address} cannot be reached");
            report.findings.push(Finding::failure("reached", found, unreached(&reason)));
            return None;
        }
    };
    let peer = stream.peer_addr().ok().map(|peer| peer.ip());
    let shown = peer.map_or(String::new(), |peer| format!(" ({peer})"));
    report.findings.push(Finding::ok("reached", format!("{address}{shown} accepts connections")));
    match TrialConnection::open(options, stream).await {
        Ok(opened) => {
            report.findings.extend(encryption(&options.credentials, peer, &opened));
            Some(opened)
        }
        Err(reason) => {
            let found = format!("there is no TLS connection to {address}");
            report.findings.push(Finding::failure("tls", found, reason.to_string()));
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

/// Subscribes, publishes, and listens for presences.
async fn use_it(
    trial: &Trial,
    connection: &mut TrialConnection,
    connack: &ConnAck,
    report: &mut TrialReport,
) -> Result<(), Reason> {
    // Another subscription to the same topics would take the place of the program's.
    if connack.session_present {
        report.findings.push(Finding::unchecked(
            "subscriptions",
            "the broker keeps the session of the program, which has its subscriptions",
            "GET /readyz of the program says whether they are granted, once it runs",
        ));
    } else {
        let refused = connection.subscribe(&trial.options.subscriptions).await?;
        report.findings.push(subscriptions(trial.options.subscriptions.len(), &refused));
    }
    let mut refused = Vec::new();
    for (topic, payload) in &trial.publishes {
        let code = connection.publish(topic, payload.clone()).await?;
        if code.is_error() {
            refused.push(format!("{topic}: {code}"));
        }
    }
    report.findings.push(publishing(trial.publishes.len(), &refused));
    if !connack.session_present {
        connection.listen(topics::EVERY_PRESENCE, PRESENCE_WAIT).await?;
    }
    Ok(())
}
