//! TLS, against a Mosquitto that speaks it.

use std::time::Duration;

use bus::{Authorities, Bus, ClientCertificate, Credentials, Options};
use rcgen::{BasicConstraints, CertificateParams, IsCa};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::certificates::{Authority, Pair};
use crate::support::{
    Broker, Proxy, TEST_TIMEOUT, down, eventually, message, next_text, options, presence, up,
    up_after,
};

/// A folder of certificates.
struct Certificates {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Certificates {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new("a") }
    }

    fn broker(&self, name: &str, subjects: &[&str]) -> Pair {
        self.authority.issue(self.folder.path(), name, subjects)
    }

    /// What a program needs that trusts this authority.
    fn trusting(&self) -> Credentials {
        let file = self.authority.write(self.folder.path(), "ca");
        Credentials { authorities: Some(Authorities::File(file)), ..Credentials::default() }
    }

    fn with_certificate(&self, pair: &Pair) -> Credentials {
        let Pair { certificate, key } = pair.clone();
        Credentials { certificate: Some(ClientCertificate { certificate, key }), ..self.trusting() }
    }
}

/// The lines of a Mosquitto with this certificate.
fn lines(pair: &Pair, extra: &str) -> &'static str {
    let Pair { certificate, key } = pair;
    let (certificate, key) = (certificate.display(), key.display());
    // A test's configuration lives as long as the test.
    format!("user root\nmax_queued_messages 10000\ncertfile {certificate}\nkeyfile {key}\n{extra}")
        .leak()
}

fn tls(port: u16, credentials: Credentials) -> Options {
    Options { credentials, ..options(port, "b", &["t"]) }
}

async fn problem_of(bus: &Bus) -> String {
    eventually("the problem is known", || bus.last_problem().is_some()).await;
    bus.last_problem().unwrap()
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn both_versions_names_and_addresses_and_client_certificates_work() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1", "localhost"]);
    let own = certificates.broker("servidor.s", &[]);
    let ca = certificates.authority.write(certificates.folder.path(), "ca");
    let wants = format!(
        "cafile {}\nrequire_certificate true\nuse_identity_as_username true\n",
        ca.display()
    );
    for (extra, credentials, host) in [
        ("tls_version tlsv1.2\n", certificates.trusting(), "127.0.0.1"),
        ("tls_version tlsv1.3\n", certificates.trusting(), "127.0.0.1"),
        ("", certificates.trusting(), "localhost"),
        (&wants, certificates.with_certificate(&own), "127.0.0.1"),
        (
            &format!("{wants}tls_version tlsv1.2\n"),
            certificates.with_certificate(&own),
            "localhost",
        ),
    ] {
        let broker = Broker::start_with(lines(&pair, extra)).await;
        let named = Options { broker: host.to_owned(), ..tls(broker.port, credentials) };
        let (bus, mut deliveries) = bus::connect(named);
        up(&bus).await;
        bus.publish(message("t", "1")).unwrap();
        assert_eq!(next_text(&mut deliveries).await, "1");
        bus.close(TEST_TIMEOUT).await;
        assert_eq!(bus.counters().outbox_len, 0);
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn what_is_wrong_with_the_broker_is_said() {
    let certificates = Certificates::new();
    let folder = certificates.folder.path();
    let issue = |name: &str, change: fn(&mut CertificateParams)| {
        certificates.authority.issue_with(folder, name, &["127.0.0.1"], change)
    };
    let good = issue("good", |_| {});
    let other = Authority::new("b").issue(folder, "other", &["127.0.0.1"]);
    let namesake = Authority::new("a").issue(folder, "namesake", &["127.0.0.1"]);
    let named = certificates.broker("named", &["broker.example.com", "*.b.example", "10.0.0.7"]);
    let nameless = certificates.broker("nameless", &[]);
    let expired = issue("expired", |params| params.not_after = rcgen::date_time_ymd(2020, 2, 3));
    let early = issue("early", |params| params.not_before = rcgen::date_time_ymd(2200, 1, 1));
    let authority = issue("authority", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let ca = certificates.authority.write(folder, "ca");
    let wants = format!("cafile {}\nrequire_certificate true\n", ca.display());
    let wants_12 = format!("{wants}tls_version tlsv1.2\n");
    let trusting = || certificates.trusting();
    let foreign = || certificates.with_certificate(&other);
    let false_one = || certificates.with_certificate(&namesake);
    for (pair, extra, credentials, expected) in [
        (Some(&other), "", trusting(), "none of the authorities in MQTT_CA_FILE"),
        (
            Some(&named),
            "",
            trusting(),
            "not for 127.0.0.1, but for broker.example.com, *.b.example, 10.0.0.7: MQTT_BROKER",
        ),
        (Some(&nameless), "", trusting(), "and names none (subjectAltName"),
        (Some(&expired), "", trusting(), "expired at 2020-02-03T00:00:00.000Z"),
        (Some(&early), "", trusting(), "valid only from 2200-01-01T00:00:00.000Z on"),
        (Some(&authority), "", trusting(), "that of an authority (CA:TRUE)"),
        (Some(&good), &wants, trusting(), "wants a client certificate: set MQTT_CERT_FILE"),
        (Some(&good), &wants_12, trusting(), "wants a client certificate: set MQTT_CERT_FILE"),
        (Some(&good), &wants, foreign(), "refuses this program's certificate (its authority"),
        (Some(&good), &wants_12, foreign(), "refuses this program's certificate (its authority"),
        (Some(&namesake), "", trusting(), "none of the authorities in MQTT_CA_FILE"),
        (Some(&good), &wants, false_one(), "refuses this program's certificate (its signature"),
        (Some(&good), &wants, certificates.with_certificate(&expired), "(it has expired)"),
        (Some(&good), "", Credentials::default(), "MQTT_CA_FILE"),
        (None, "", trusting(), "MQTT_PORT must be the broker's TLS port"),
    ] {
        let extra = pair.map_or("", |pair| lines(pair, extra));
        let broker = Broker::start_with(extra).await;
        let (bus, _deliveries) = bus::connect(tls(broker.port, credentials));
        let problem = problem_of(&bus).await;
        assert!(problem.contains(expected), "{expected}: {problem}");
        assert!(!bus.is_up());
    }
    let mixed = Pair { certificate: good.certificate, key: other.key };
    let error = certificates.with_certificate(&mixed).check().unwrap_err().to_string();
    assert!(error.contains("should be a pair"), "{error}");
    let swapped = Pair { certificate: mixed.key, key: mixed.certificate };
    let error = certificates.with_certificate(&swapped).check().unwrap_err().to_string();
    assert!(error.starts_with("MQTT_CERT_FILE") && error.contains("has no certificate"), "{error}");
}

/// 1 MiB in both directions, and then thousands of small ones.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn large_messages_and_many_arrive_whole_and_in_order() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let (bus, mut deliveries) = bus::connect(tls(broker.port, certificates.trusting()));
    up(&bus).await;
    let large: String = (0..1 << 17).map(|number| format!("{number:08x}")).collect();
    for _ in 0..3 {
        bus.publish(message("t", large.clone())).unwrap();
        assert!(next_text(&mut deliveries).await == large, "it arrives as it was");
    }
    const COUNT: usize = 5_000;
    for number in 0..COUNT {
        bus.publish(message("t", number.to_string())).unwrap();
    }
    for number in 0..COUNT {
        assert_eq!(next_text(&mut deliveries).await, number.to_string());
    }
    eventually("all are acknowledged", || bus.counters().outbox_len == 0).await;
    assert_eq!((bus.counters().reconnects, bus.counters().refused), (0, 0));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn nothing_is_lost_when_connections_break() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let proxy = Proxy::to(&broker).await;
    let through = |id: &str, topics: &[&str]| Options {
        credentials: certificates.trusting(),
        ..options(proxy.port, id, topics)
    };
    let (receiver, mut deliveries) = bus::connect(through("r", &["t"]));
    let (sender, _nothing) = bus::connect(through("s", &[]));
    up(&receiver).await;
    const COUNT: usize = 2_000;
    let mut missing: std::collections::BTreeSet<usize> = (0..COUNT).collect();
    for number in 0..COUNT {
        sender.publish(message("t", number.to_string())).unwrap();
        if number % 500 == 250 {
            sleep(Duration::from_millis(300)).await;
            proxy.cut();
        }
    }
    while !missing.is_empty() {
        missing.remove(&next_text(&mut deliveries).await.parse().unwrap());
    }
    assert!(sender.counters().reconnects > 0, "connections broke");
}

/// A broker that refuses a message and closes: the refusal, read before the end, counts.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn an_answer_before_the_end_counts() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let extra = "message_size_limit 2000\nmax_queued_messages 0\n";
    let broker = Broker::start_with(lines(&pair, extra)).await;
    let (bus, mut deliveries) = bus::connect(tls(broker.port, certificates.trusting()));
    up(&bus).await;
    bus.publish(message("t", "x".repeat(2_001))).unwrap();
    eventually("it is given up", || bus.counters().refused == 1).await;
    bus.publish(message("t", "2")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "2");
    assert!(bus.counters().reconnects <= 1, "{:?}", bus.counters());
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_half_open_connection_is_noticed_and_replaced() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let proxy = Proxy::to(&broker).await;
    let (bus, mut deliveries) = bus::connect(Options {
        presence: Some(presence("p")),
        ..tls(proxy.port, certificates.trusting())
    });
    let first = up(&bus).await;
    proxy.freeze();
    let begun = Instant::now();
    bus.publish(message("t", "1")).unwrap();
    down(&bus).await;
    assert!(begun.elapsed() > Duration::from_secs(10), "{:?}", begun.elapsed());
    proxy.cut();
    up_after(&bus, first).await;
    assert_eq!(next_text(&mut deliveries).await, "1");
}

/// A link of 2,000 bytes per second: the handshake takes most of its limit.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_slow_handshake_is_waited_for_and_one_without_end_is_not() {
    let certificates = Certificates::new();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let broker = Broker::start_with(lines(&pair, "")).await;
    let slow = slow_proxy(broker.port).await;
    let begun = Instant::now();
    let (bus, _deliveries) = bus::connect(tls(slow, certificates.trusting()));
    up(&bus).await;
    assert!(begun.elapsed() > Duration::from_millis(500), "it was slow: {:?}", begun.elapsed());

    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (bus, _deliveries) = bus::connect(tls(port, certificates.trusting()));
    let problem = problem_of(&bus).await;
    assert!(problem.contains("does not answer TLS in time"), "{problem}");
}

/// Passes 40 bytes in each 20 ms from the broker.
async fn slow_proxy(broker: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", broker)).await.unwrap();
            let (mut near_read, mut near_write) = near.into_split();
            let (mut far_read, mut far_write) = far.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut near_read, &mut far_write).await });
            tokio::spawn(async move {
                let mut bytes = [0; 40];
                while let Ok(length @ 1..) = far_read.read(&mut bytes).await {
                    near_write.write_all(&bytes[..length]).await.unwrap();
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    port
}

/// Certificates are replaced while the program runs: the broker's, its authority, and the program's.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn certificates_are_renewed_without_a_restart() {
    let certificates = Certificates::new();
    let folder = certificates.folder.path();
    let pair = certificates.broker("broker", &["127.0.0.1"]);
    let ca = certificates.authority.write(folder, "broker-ca");
    let wants = format!("cafile {}\nrequire_certificate true\n", ca.display());
    let own = certificates.authority.issue_with(folder, "own", &[], |params| {
        params.not_after = rcgen::date_time_ymd(2020, 2, 3);
    });
    let mut broker = Broker::start_with(lines(&pair, &wants)).await;
    let (bus, mut deliveries) = bus::connect(tls(broker.port, certificates.with_certificate(&own)));
    assert!(problem_of(&bus).await.contains("(it has expired)"));
    let begun = Instant::now();
    certificates.broker("own", &[]);
    let first = up(&bus).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());

    // Another authority signs all of them from now on.
    let next_authority = Authority::new("a");
    next_authority.issue(folder, "broker", &["127.0.0.1"]);
    next_authority.write(folder, "broker-ca");
    broker.kill().await;
    broker.resume().await;
    eventually("the old authority is not enough", || {
        bus.last_problem().is_some_and(|problem| problem.contains("MQTT_CA_FILE"))
    })
    .await;
    next_authority.issue(folder, "own", &[]);
    next_authority.write(folder, "ca");
    bus.reload();
    up_after(&bus, first).await;
    bus.publish(message("t", "1")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "1");
}
