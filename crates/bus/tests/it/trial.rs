//! Trial connections: what they find, and that they leave everything as it is.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bus::{
    Authorities, ClientCertificate, Credentials, Finding, Options, Severity, Trial, TrialReport,
    run_trial,
};
use bytes::Bytes;
use rcgen::{CertificateParams, date_time_ymd};
use rumqttc::v5::mqttbytes::v5::{Packet, SubscribeReasonCode};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::{Instant, sleep};

use crate::certificates::{Authority, Pair, write};
use crate::fake_broker::{FakeBroker, GRANTED};
use crate::login::{Users, credentials};
use crate::support::{Broker, TEST_TIMEOUT, eventually, message, next_text, options, up};

fn trial(options: Options) -> Trial {
    Trial {
        skip_login: None,
        publishes: vec![("to/nobody".to_owned(), Bytes::from_static(b"{}"))],
        options,
    }
}

/// The last finding of this name.
fn finding<'a>(tried: &'a TrialReport, name: &str) -> &'a Finding {
    let found = tried.findings.iter().rfind(|finding| finding.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", tried.findings))
}

fn failures(tried: &TrialReport) -> Vec<&Finding> {
    tried.findings.iter().filter(|finding| finding.severity != Severity::Ok).collect()
}

async fn assert_fails(options: Options, name: &str, remedy: &str) {
    let tried = run_trial(trial(options)).await;
    let found = finding(&tried, name);
    assert_eq!(found.severity, Severity::Failure, "{found:?}");
    assert!(found.remedy.contains(remedy), "{remedy:?} is not in {found:?}");
    assert_eq!(failures(&tried).len(), 1, "{:?}", tried.findings);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_named_with_what_to_correct() {
    // Bound, so that no other program listens there; it does not listen itself.
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let gone = bound.local_addr().unwrap().port();
    assert_fails(options(gone, "a", &[]), "reached", "correct MQTT_BROKER and MQTT_PORT").await;
    let unknown = Options { broker: "no-broker.invalid".to_owned(), ..options(1, "a", &[]) };
    assert_fails(unknown, "reached", "MQTT_BROKER must name the broker").await;
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_given_up_in_time() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    assert_fails(options(port, "a", &[]), "login", "does not answer CONNECT").await;
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}

/// Mosquitto grants every subscription.
#[tokio::test]
async fn a_subscription_that_is_refused_is_named() {
    let (mut broker, port) = FakeBroker::start().await;
    broker.session_present = false;
    let trying = tokio::spawn(run_trial(trial(options(port, "a", &["one", "two"]))));
    let peer = broker.accept(None, SubscribeReasonCode::NotAuthorized).await;
    peer.close().await;
    let tried = trying.await.unwrap();
    let found = finding(&tried, "subscriptions");
    assert_eq!(found.found, "the broker refuses 2 of 2: one, two");
    assert!(found.severity == Severity::Failure && found.remedy.contains("docs/security.md"));
    assert_eq!(finding(&tried, "rights").severity, Severity::Failure, "it was closed");
}

/// With a name, its session would live as long as the program's.
#[tokio::test]
async fn a_trial_that_takes_too_long_leaves_no_session_where_there_was_none() {
    let (mut broker, port) = FakeBroker::start().await;
    broker.session_present = false;
    let named = Options { credentials: credentials("u", "x"), ..options(port, "a", &["t"]) };
    let trying = tokio::spawn(run_trial(trial(named)));
    let mut peer = broker.accept(None, GRANTED).await;
    peer.publish().await;
    let Packet::Disconnect(disconnect) = peer.receive().await else { panic!("it leaves") };
    let expiry = disconnect.properties.and_then(|known| known.session_expiry_interval);
    assert_eq!(expiry, Some(0), "days otherwise");
    let tried = trying.await.unwrap();
    let found = finding(&tried, "answers");
    assert!(found.severity == Severity::Failure && found.remedy.contains("the broker's log"));
    assert_eq!(tried.presences, None, "not all were heard");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn what_works_is_said_and_presences_are_heard() {
    let broker = Broker::start().await;
    let (bus, _deliveries) = bus::connect(options(broker.port, "other", &[]));
    up(&bus).await;
    let retained = bus::Outgoing { retain: true, ..message("server/s/status", "{}") };
    bus.publish(retained).unwrap();
    eventually("it is retained", || bus.counters().acknowledged == 1).await;
    let tried = run_trial(trial(options(broker.port, "a", &["server/+/postos"]))).await;
    assert_eq!(failures(&tried), [] as [&Finding; 0]);
    for name in ["reached", "login", "limits", "subscriptions", "publishing"] {
        finding(&tried, name);
    }
    let heard = [("server/s/status".to_owned(), Bytes::from_static(b"{}"))];
    assert_eq!(tried.presences.as_deref(), Some(&heard[..]));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_login_or_a_right_that_is_refused_is_named_with_where_it_is_given() {
    let users = Users::new(&[("u", "x")]);
    let folder = tempfile::tempdir().unwrap();
    let rights = write(folder.path(), "rights", "user u\ntopic read #\ntopic write a/#\n");
    let broker = users.started(&format!("acl_file {}\n", rights.display())).await;
    let named = |password: &str| Options {
        credentials: credentials("u", password),
        ..options(broker.port, "a", &[])
    };
    assert_fails(named("wrong"), "login", "check MQTT_USERNAME and MQTT_PASSWORD").await;
    let mut publishing = trial(named("x"));
    publishing.publishes.push(("a/b".to_owned(), Bytes::from_static(b"{}")));
    let tried = run_trial(publishing).await;
    let found = finding(&tried, "publishing");
    assert_eq!(found.found, "the broker refuses 1 of 2: to/nobody: not authorized (0x87)");
    assert!(found.remedy.contains("docs/security.md"), "{found:?}");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_broker_that_lets_everybody_in_is_named_where_a_program_has_a_name() {
    let broker = Broker::start().await;
    let named = Options { credentials: credentials("u", "x"), ..options(broker.port, "a", &[]) };
    let tried = run_trial(Trial { skip_login: Some("the program runs"), ..trial(named) }).await;
    let found = finding(&tried, "anonymous login");
    assert!(
        found.severity == Severity::Warning && found.remedy.contains("BROKER_ABERTO"),
        "{found:?}"
    );
    let nameless = run_trial(trial(options(broker.port, "a", &[]))).await;
    assert_eq!(failures(&nameless), [] as [&Finding; 0], "it was never meant to have one");
}

/// A broker that makes the user name the client id, as the outside door does.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_program_with_a_name_keeps_its_connection_and_its_session() {
    let users = Users::new(&[("servidor.s", "x"), ("plain", "x")]);
    let broker = users.started("use_username_as_clientid true\n").await;
    let server = Options {
        credentials: credentials("servidor.s", "x"),
        ..options(broker.port, "s", &["t"])
    };
    let other =
        Options { credentials: credentials("plain", "x"), ..options(broker.port, "p", &[]) };
    let (plain, _nothing) = bus::connect(other);
    up(&plain).await;
    let (bus, deliveries) = bus::connect(server.clone());
    up(&bus).await;
    let tried =
        run_trial(Trial { skip_login: Some("the program runs"), ..trial(server.clone()) }).await;
    assert_eq!(finding(&tried, "login").severity, Severity::Unchecked);
    assert_eq!(tried.presences, None);
    assert_eq!((bus.generation(), bus.counters().reconnects), (Some(1), 0), "it stays connected");

    drop((bus, deliveries));
    sleep(Duration::from_millis(200)).await;
    for text in ["first", "second"] {
        plain.publish(message("t", text)).unwrap();
    }
    eventually("they are published", || plain.counters().acknowledged == 2).await;
    let tried = run_trial(trial(server.clone())).await;
    assert_eq!(finding(&tried, "subscriptions").severity, Severity::Unchecked);
    assert_eq!(finding(&tried, "publishing").severity, Severity::Ok);
    let (bus, mut deliveries) = bus::connect(server);
    for text in ["first", "second"] {
        assert_eq!(next_text(&mut deliveries).await, text, "it was kept for the program");
    }
    bus.close(TEST_TIMEOUT).await;
}

/// As it is set for a broker that speaks TLS.
struct Tls {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Tls {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new("a") }
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        self.authority.issue_with(self.folder.path(), name, &["127.0.0.1"], change)
    }

    async fn broker(&self, pair: &Pair) -> Broker {
        let (certificate, key) = (pair.certificate.display(), pair.key.display());
        let lines = format!("user root\ncertfile {certificate}\nkeyfile {key}\n");
        // A test's configuration lives as long as the test.
        Broker::start_with(lines.leak()).await
    }

    fn options(&self, broker: &Broker, ca: &Path) -> Options {
        let authorities = Some(Authorities::File(ca.to_owned()));
        let credentials = Credentials { authorities, ..Credentials::default() };
        Options { credentials, ..options(broker.port, "a", &[]) }
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_certificate_is_named_before_it_expires_and_after() {
    let tls = Tls::new();
    let ca = tls.authority.write(tls.folder.path(), "ca");
    let soon = SystemTime::now() + Duration::from_secs(12 * 24 * 60 * 60);
    let expiring = tls.issue("expiring", |params| params.not_after = soon.into());
    let broker = tls.broker(&expiring).await;
    let tried = run_trial(trial(tls.options(&broker, &ca))).await;
    let found = finding(&tried, "certificates");
    assert!(
        found.severity == Severity::Warning && found.found.contains("expires in 1"),
        "{found:?}"
    );
    assert!(found.remedy.contains("mosquitto/certs/broker.crt"), "{found:?}");
    assert_eq!(finding(&tried, "publishing").severity, Severity::Ok, "it works still");

    let expired = tls.issue("expired", |params| params.not_after = date_time_ymd(2020, 2, 3));
    let broker = tls.broker(&expired).await;
    assert_fails(tls.options(&broker, &ca), "tls", "expired at 2020-02-03").await;
    let other = Authority::new("b").write(tls.folder.path(), "other");
    let broker = tls.broker(&expiring).await;
    assert_fails(tls.options(&broker, &other), "tls", "none of the authorities in MQTT_CA_FILE")
        .await;
}

#[test]
fn files_of_a_login_are_named_before_their_certificates_expire_and_where_they_are_no_pair() {
    let tls = Tls::new();
    let soon = SystemTime::now() + Duration::from_secs(12 * 24 * 60 * 60);
    let soon = tls.issue("soon", |params| params.not_after = soon.into());
    let gone = tls.issue("gone", |params| params.not_after = date_time_ymd(2020, 2, 3));
    let login = |certificate: &Pair, key: &Pair| Credentials {
        authorities: Some(Authorities::File(soon.certificate.clone())),
        certificate: Some(ClientCertificate {
            certificate: certificate.certificate.clone(),
            key: key.key.clone(),
        }),
        ..Credentials::default()
    };
    let [authority, own] = &login(&gone, &gone).findings()[..] else { panic!("two certificates") };
    assert!(authority.severity == Severity::Warning && authority.found.contains("MQTT_CA_FILE"));
    assert!(authority.remedy.contains("the authority's new certificate"), "{authority:?}");
    assert!(own.severity == Severity::Failure && own.found.contains("expired at 2020-02-03"));
    assert!(own.remedy.contains("MQTT_CERT_FILE and MQTT_KEY_FILE"), "{own:?}");
    let [no_pair] = &login(&gone, &soon).findings()[..] else { panic!("nothing else is said") };
    assert!(no_pair.severity == Severity::Failure && no_pair.remedy.contains("should be a pair"));
}
