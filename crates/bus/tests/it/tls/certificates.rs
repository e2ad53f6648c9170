//! Which certificates are accepted, and what is said of the others.

use std::time::Duration;

use bus::{Credentials, Options};
use rcgen::{BasicConstraints, CertificateParams, IsCa};
use tokio::time::Instant;

use super::{Certificates, lines, problem_of, tls};
use crate::certificates::{Authority, Pair};
use crate::support::{Broker, TEST_TIMEOUT, eventually, message, next_text, up, up_after};

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
