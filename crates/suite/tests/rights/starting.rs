//! What `start.sh` makes of settings, certificates and an operator's own lines.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::doors::{Doors, Shell, text};
use crate::harness::raw_mqtt::{Connect, Connection, Transport, Version};
use crate::harness::{eventually, free_port};

fn add_lines(doors: &Doors, lines: &str) {
    let path = doors.path("config/mosquitto.conf");
    let conf = fs::read_to_string(&path).expect("a file");
    fs::write(path, format!("{conf}\n{lines}\n")).expect("a file");
}

/// A certificate of its own authority, for localhost.
fn certify(doors: &Doors) -> String {
    let certified =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let pem = certified.cert.pem();
    fs::write(doors.path("config/certs/broker.crt"), &pem).expect("a file");
    fs::write(doors.path("config/certs/broker.key"), certified.signing_key.serialize_pem())
        .expect("a file");
    pem
}

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn what_is_wrong_ends_the_start_with_what_to_do() {
    for shell in [Shell::System, Shell::Busybox] {
        let inside = |doors: &Doors| add_lines(doors, &format!("listener {}", doors.inside().port));
        type Prepare<'a> = &'a dyn Fn(&Doors);
        let cases: [(&str, Prepare<'_>, &str); 12] = [
            ("true", &|_| {}, "BROKER_ABERTO is 'true'; it should be sim, or nothing"),
            ("", &inside, "which start.sh opens"),
            (
                "",
                &|doors| add_lines(doors, "per_listener_settings false"),
                "remove `per_listener_settings`",
            ),
            ("", &|doors| add_lines(doors, "allow_anonymous true"), "remove `allow_anonymous`"),
            ("", &|doors| add_lines(doors, "password_file x"), "remove `password_file`"),
            ("", &|doors| add_lines(doors, "acl_file x"), "remove `acl_file`"),
            ("", &|doors| add_lines(doors, "port 1883"), "remove `port`"),
            (
                "",
                &|doors| fs::remove_file(doors.path("config/mosquitto.conf")).expect("a file"),
                "cannot be read",
            ),
            (
                "",
                &|doors| {
                    certify(doors);
                    fs::remove_file(doors.path("config/certs/broker.key")).expect("a file");
                },
                "belong together",
            ),
            (
                "",
                // As on a host whose certificates are elsewhere, where the broker does not see them.
                &|doors| {
                    for name in ["broker.crt", "broker.key"] {
                        let link = doors.path(&format!("config/certs/{name}"));
                        symlink(format!("/not/here/{name}"), link).expect("a link");
                    }
                },
                "a link must lead to a file in this folder",
            ),
            (
                "",
                &|doors| {
                    let folder = doors.path("config/certs");
                    fs::remove_dir_all(&folder).expect("it is there");
                    symlink("/not/here/certs", folder).expect("a link");
                },
                "a link must lead to a file in this folder",
            ),
            (
                "",
                &|doors| {
                    certify(doors);
                    let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
                    fs::write(doors.path("config/certs/broker.key"), key).expect("a file");
                },
                "remove its pass phrase",
            ),
        ];
        for (open, prepare, said) in cases {
            let doors = Doors::prepared(shell, &[("BROKER_ABERTO", open)]);
            prepare(&doors);
            let output = doors.command("start.sh").output().expect("a shell");
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{errors}");
            assert!(errors.contains(said), "{said}: {errors}");
        }
    }
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn an_open_door_is_said_at_every_start() {
    let mut doors = Doors::open_with(Shell::System, &[("BROKER_ABERTO", "sim")]).await;
    for start in 1..=2 {
        assert_eq!(doors.log().matches("BROKER_ABERTO=sim: everyone").count(), start);
        for door in doors.every_outside() {
            let connect = Connect::anonymous("anyone");
            let mut connection = Connection::open(door, &connect).await.expect("it is open");
            let codes = connection.publish(&[("anything", "x")], false).await;
            assert_ne!(codes, [0x87], "{door:?}");
        }
        if start == 1 {
            doors.kill();
            doors.start().await;
        }
    }
    let closed = Doors::open().await;
    assert!(!closed.log().contains("BROKER_ABERTO"));
    assert_eq!(closed.log().matches("the outside door is not encrypted").count(), 1);
}

#[tokio::test]
#[ignore = "needs mosquitto"]
async fn an_operators_own_lines_hold() {
    let port = free_port();
    let mut doors = Doors::prepared(Shell::System, &[]);
    let path = doors.path("config/mosquitto.conf");
    let conf = fs::read_to_string(&path).expect("a file");
    let conf = conf.replace("max_connections 1000", "max_connections 2");
    fs::write(path, conf).expect("a file");
    add_lines(&doors, &format!("listener {port} 127.0.0.1"));
    doors.start().await;
    let log = doors.log();
    assert!(log.contains(&format!("listener {port} is your own")), "{log}");

    // It asks for a name, as the outside ones do.
    let mut own = doors.inside();
    own.port = port;
    assert!(Connection::open(own, &Connect::anonymous("anyone")).await.is_err());
    let user = doors.new_user(&["app", "app1"]);
    assert!(Connection::open(own, &user.connect()).await.is_ok());

    // The limit is that of each outside listener, and of no other. Mosquitto 2.0.11 miscounts
    // connections, so only its configuration can be seen.
    let conf = fs::read_to_string(doors.path("run/mosquitto.conf")).expect("a file");
    let outside = doors.every_outside().map(|door| format!("{} 127.0.0.1", door.port));
    for listener in conf.split("\nlistener ").skip(1) {
        let is_outside = outside.iter().any(|port| listener.starts_with(port));
        assert_eq!(listener.contains("max_connections 2\n"), is_outside, "{listener}");
    }
    assert!(
        !conf.split("\nlistener ").next().expect("the shared part").contains("\nmax_connections")
    );
}

/// Copies of a damaged `mosquitto.db`, as `start.sh` names them.
fn damaged_databases(doors: &Doors) -> Vec<Vec<u8>> {
    let files = fs::read_dir(doors.path("data")).expect("a folder");
    let paths = files.map(|file| file.expect("a file").path());
    let damaged = |path: &PathBuf| path.to_string_lossy().contains("mosquitto.db.danificado-");
    paths.filter(damaged).map(|path| fs::read(path).expect("a file")).collect()
}

/// After a power failure the file may be all NUL, and Mosquitto refuses it at each start.
#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn a_damaged_database_keeps_no_broker_from_starting() {
    for shell in [Shell::System, Shell::Busybox] {
        let cases: [(&[u8], bool); 4] = [
            (&[0; 5_000], true),
            (b"\0\xb5\0mosquitto", true),
            (b"\0\0\0mosquitto db", true),
            (b"", false),
        ];
        for (left, is_moved) in cases {
            let mut doors = Doors::prepared(shell, &[]);
            fs::write(doors.path("data/mosquitto.db"), left).expect("a file");
            doors.start().await;
            let log = doors.log();
            assert_eq!(
                log.matches("is damaged, and is now").count(),
                usize::from(is_moved),
                "{log}"
            );
            let kept = damaged_databases(&doors);
            assert_eq!(kept, Vec::from_iter(is_moved.then(|| left.to_vec())));
        }
    }
}

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn a_whole_database_stays_where_it_is() {
    for shell in [Shell::System, Shell::Busybox] {
        let mut doors = Doors::open_with(shell, &[]).await;
        doors.insider("one").await.publish(&[("kept", "x")], true).await;
        // Mosquitto saves at this signal.
        let pid = doors.pid().to_string();
        let sent = Command::new("kill").args(["-USR1", &pid]).status();
        assert!(sent.expect("kill runs").success());
        let database = doors.path("data/mosquitto.db");
        eventually("it is saved", async || database.exists()).await;
        doors.kill();
        doors.start().await;
        assert_eq!(damaged_databases(&doors), Vec::<Vec<u8>>::new());
        let mut another = doors.insider("another").await;
        another.subscribe(&["kept"]).await;
        let received = another.drain().await.expect("a connection");
        let payloads: Vec<&str> = received.iter().map(|message| message.payload.as_str()).collect();
        assert_eq!(payloads, ["x"]);
    }
}

/// A login at the outside door over TLS, with Mosquitto's own client.
fn enters_by_tls(doors: &Doors, user: &crate::harness::doors::User, authority: &str) -> bool {
    let file = doors.path("authority.pem");
    fs::write(&file, authority).expect("a file");
    let port = doors.outside(Transport::Tcp, Version::V5).port.to_string();
    let mut client = Command::new("mosquitto_pub");
    client.args(["-h", "localhost", "-p", &port, "-u", &user.name, "-P", &user.secret]);
    client.args(["-t", "x", "-n", "--cafile"]).arg(file);
    client.output().expect("mosquitto_pub is installed").status.success()
}

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn with_a_certificate_the_outside_door_speaks_tls_only() {
    for shell in [Shell::System, Shell::Busybox] {
        let mut doors = Doors::prepared(shell, &[]);
        let first = certify(&doors);
        let key = doors.path("config/certs/broker.key");
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a mode");
        doors.start().await;
        assert!(!doors.log().contains("not encrypted"));
        let user = doors.new_user(&["app", "app1"]);
        assert!(enters_by_tls(&doors, &user, &first));
        for door in doors.every_outside() {
            assert!(Connection::open(door, &user.connect()).await.is_err(), "{door:?} without TLS");
        }
        doors.insider("anyone").await;

        // A pair that does not fit changes nothing.
        let second = certify(&doors);
        let good = fs::read(&key).expect("a key");
        for bad in ["junk".to_owned(), rcgen::KeyPair::generate().expect("a key").serialize_pem()] {
            fs::write(&key, bad).expect("a file");
            let output = doors.usuario(&["recarregar"]);
            assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
            assert!(enters_by_tls(&doors, &user, &first) && !enters_by_tls(&doors, &user, &second));
        }
        fs::write(&key, good).expect("a file");
        let output = doors.usuario(&["recarregar"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(enters_by_tls(&doors, &user, &second) && !enters_by_tls(&doors, &user, &first));
    }
}
