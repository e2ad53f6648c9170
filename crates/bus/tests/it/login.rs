//! Programs that log in, on a Mosquitto that lets nobody else in.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bus::{Authorities, Credentials, Options, Password};
use tokio::time::{Instant, sleep};

use crate::certificates::write;
use crate::support::{
    Broker, TEST_TIMEOUT, eventually, message, next_text, options, presence, up, up_after,
};

/// Shorter than the patience after a refused login.
const AT_ONCE: Duration = Duration::from_secs(4);

/// Users of a broker, and what they log in with.
pub(crate) struct Users {
    folder: tempfile::TempDir,
}

impl Users {
    pub(crate) fn new(users: &[(&str, &str)]) -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(made.path(), "").unwrap();
        users.iter().for_each(|(name, password)| made.set(name, password));
        made
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("users")
    }

    fn set(&self, name: &str, password: &str) {
        let mut command = Command::new("mosquitto_passwd");
        let set = command.arg("-b").arg(self.path()).args([name, password]).output();
        assert!(set.expect("mosquitto_passwd is installed").status.success());
    }

    /// A broker that only they may use.
    fn broker(&self, extra: &str) -> Broker {
        let users = self.path();
        let lines = format!(
            "allow_anonymous false\nuser root\npassword_file {}\nmax_queued_messages 1000\n{extra}",
            users.display()
        );
        // A test's configuration lives as long as the test.
        Broker::stopped(lines.leak())
    }

    pub(crate) async fn started(&self, extra: &str) -> Broker {
        let mut broker = self.broker(extra);
        broker.resume().await;
        broker
    }
}

pub(crate) fn credentials(user: &str, password: &str) -> Credentials {
    Credentials {
        username: Some(user.to_owned()),
        password: Some(Password::Text(password.to_owned())),
        ..Credentials::default()
    }
}

fn with_file(user: &str, file: &Path) -> Credentials {
    Credentials { password: Some(Password::File(file.to_owned())), ..credentials(user, "") }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn who_logs_in_is_served_and_everyone_else_is_refused() {
    let users = Users::new(&[("gateway.c", "s3cret"), ("long", &"x".repeat(200))]);
    let broker = users.started("").await;
    for good in [credentials("gateway.c", "s3cret"), credentials("long", &"x".repeat(200))] {
        let credentials = Options { credentials: good, ..options(broker.port, "b", &["t"]) };
        let (bus, mut deliveries) = bus::connect(credentials);
        up(&bus).await;
        bus.publish(message("t", "1")).unwrap();
        assert_eq!(next_text(&mut deliveries).await, "1");
        bus.close(TEST_TIMEOUT).await;
    }
    let file = write(users.folder.path(), "wrong", "s3cre\n");
    for bad in [
        Credentials::default(),
        Credentials { password: None, ..credentials("gateway.c", "") },
        credentials("gateway.c", "S3cret"),
        credentials("nobody", "s3cret"),
        with_file("gateway.c", &file),
    ] {
        let bad = Options { credentials: bad, ..options(broker.port, "b", &["t"]) };
        let (bus, _deliveries) = bus::connect(bad);
        eventually("it is said", || bus.last_problem().is_some()).await;
        let expected = "the broker refused the login: not authorized (0x87); the log says what to \
                        look at";
        assert_eq!(bus.last_problem().as_deref(), Some(expected));
    }
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_replaced_password_file_is_used_at_once_and_at_every_later_login() {
    let users = Users::new(&[("u", "first")]);
    let mut broker = users.started("").await;
    let folder = users.folder.path();
    let file = write(folder, "password", "mistyped");
    let by_file =
        Options { credentials: with_file("u", &file), ..options(broker.port, "b", &["t"]) };
    let (bus, mut deliveries) = bus::connect(by_file);
    eventually("it is refused", || bus.last_problem().is_some()).await;
    let begun = Instant::now();
    write(folder, "password", "first\r\n");
    let generation = up(&bus).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(bus.last_problem(), None);

    // The secret is rotated while both run: the connection stays, the next login uses the new one.
    users.set("u", "second");
    write(folder, "password", "second");
    broker.hang_up();
    bus.publish(message("t", "1")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "1");
    eventually("it is not sent again", || bus.counters().outbox_len == 0).await;
    broker.kill().await;
    broker.resume().await;
    up_after(&bus, generation).await;
    bus.publish(message("t", "2")).unwrap();
    assert_eq!(next_text(&mut deliveries).await, "2");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_refused_login_is_tried_with_patience_and_at_once_when_asked() {
    let users = Users::new(&[("other", "x")]);
    let broker = users.started("").await;
    let late = Options { credentials: credentials("late", "x"), ..options(broker.port, "b", &[]) };
    let (bus, _deliveries) = bus::connect(late);
    eventually("it is refused", || bus.last_problem().is_some()).await;
    users.set("late", "x");
    broker.hang_up();
    sleep(AT_ONCE).await;
    assert!(!bus.is_up(), "it waits");
    let begun = Instant::now();
    bus.reload();
    let generation = up(&bus).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    bus.reload();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(up(&bus).await, generation, "a connection that works is left alone");
}

/// A broker that makes the user name the client id, as the outside door does.
#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn what_the_broker_makes_of_the_client_id_does_not_matter() {
    let users = Users::new(&[("servidor.s", "x"), ("plain", "x")]);
    let mut broker = users.started("use_username_as_clientid true\n").await;
    let server = Options {
        credentials: credentials("servidor.s", "x"),
        presence: Some(presence("server/s/status")),
        ..options(broker.port, "server:s", &["t"])
    };
    let other =
        Options { credentials: credentials("plain", "x"), ..options(broker.port, "p", &[]) };
    let (bus, mut deliveries) = bus::connect(server.clone());
    let (plain, _nothing) = bus::connect(other);
    let first = up(&bus).await;
    up(&plain).await;
    // What was published while it was away is in its session, which has the user's name.
    drop(bus);
    sleep(Duration::from_millis(200)).await;
    plain.publish(message("t", "queued")).unwrap();
    eventually("it is published", || plain.counters().acknowledged == 1).await;
    drop(deliveries);
    let (bus, again) = bus::connect(server.clone());
    deliveries = again;
    assert_eq!(next_text(&mut deliveries).await, "queued");
    assert_eq!((up(&bus).await, bus.last_problem()), (first, None));
    broker.kill().await;
    broker.resume().await;
    up_after(&bus, first).await;
    // Another program with that user, and another id, takes the connection over again and again.
    let twin = Options { mqtt_id: "another".to_owned(), presence: None, ..server };
    let (twin, _deliveries) = bus::connect(twin);
    eventually("it is recognised", || bus.counters().takeovers + twin.counters().takeovers > 0)
        .await;
}

#[test]
fn what_is_no_secret_or_certificate_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(path.join(name), bytes).unwrap();
        path.join(name)
    };
    for (name, bytes, expected) in [
        ("empty", &b""[..], Some("which is empty")),
        ("break", b"\n", Some("which has only a line break")),
        ("latin1", b"caf\xE9\n", Some("which is not UTF-8")),
        ("nul", b"a\0b\n", Some("which has a NUL character")),
        ("long", &[b'x'; 65_536], Some("which has more than 65535 bytes")),
        ("endless", &[b'x'; 70_000], Some("which has more than 65537 bytes")),
        ("longest", &[b'x'; 65_535], None),
        ("longest-line", &[&[b'x'; 65_535][..], b"\r\n"].concat(), None),
        ("blanks", b" a b \n", None),
    ] {
        let checked = with_file("u", &file(name, bytes)).check();
        let expected = expected.map(|problem| {
            format!(
                "MQTT_PASSWORD_FILE names {:?}, {problem}; it should be a file with the password in \
                 one line, of at most 65535 bytes of UTF-8",
                path.join(name)
            )
        });
        assert_eq!(checked.err().map(|error| error.to_string()), expected);
    }
    for (wrong, expected) in [
        (path.join("missing"), "which cannot be read (No such file"),
        (path.to_owned(), "which is no regular file"),
        ("/dev/zero".into(), "which is no regular file"),
        (file("text", b"no PEM"), "which has no certificate in PEM"),
        (file("none", b""), "which is empty"),
        (file("half", b"-----BEGIN CERTIFICATE-----\nMII\n"), "whose PEM is damaged"),
        (
            file("bad", b"-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n"),
            "whose certificate 1 cannot be used",
        ),
    ] {
        let authorities = Some(Authorities::File(wrong));
        let error = Credentials { authorities, ..Credentials::default() }.check().unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("MQTT_CA_FILE names ") && text.contains(expected), "{text}");
    }
}
