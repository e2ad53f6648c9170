//! What waits for a program that is away while the broker restarts.

use crate::harness::doors::{Doors, Shell, User};
use crate::harness::eventually;
use crate::harness::raw_mqtt::{Connect, Connection, Endpoint, Transport, Version};

const REPORTS: &str = "pontos/+/disponibilidade";

fn of_insider() -> Connect {
    Connect { keeps_session: true, ..Connect::anonymous("server:server1") }
}

fn of_outsider(user: &User) -> Connect {
    Connect { keeps_session: true, ..user.connect() }
}

async fn begin_session(endpoint: Endpoint, connect: &Connect) {
    let mut connection = Connection::open(endpoint, connect).await.expect("it may enter");
    connection.subscribe_with_qos(1, &[REPORTS]).await;
}

async fn report(doors: &Doors, payload: &str) {
    let mut charger = doors.insider("charger").await;
    charger.publish(&[("pontos/1/disponibilidade", payload)], false).await;
}

async fn received(endpoint: Endpoint, connect: &Connect) -> Vec<String> {
    let mut connection = Connection::open(endpoint, connect).await.expect("it may enter");
    let messages = connection.drain().await.expect("a connection");
    messages.into_iter().map(|message| message.payload).collect()
}

#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn a_report_after_a_restart_waits_for_a_program_of_the_inside_door() {
    for shell in [Shell::System, Shell::Busybox] {
        let mut doors = Doors::open_with(shell, &[]).await;
        // Devices and gateways have no session that waits for long.
        doors.new_user(&["carregador", "server1", "7"]);
        doors.new_user(&["gateway", "cliente3"]);
        begin_session(doors.inside(), &of_insider()).await;
        report(&doors, "before").await;
        for _ in 0..2 {
            let signals = doors.log().matches("Reloading config").count();
            doors.terminate();
            doors.start().await;
            let is_signalled = || doors.log().matches("Reloading config").count() > signals;
            eventually("the sessions have rights", async || is_signalled()).await;
            report(&doors, "after").await;
        }
        assert_eq!(received(doors.inside(), &of_insider()).await, ["before", "after", "after"]);
    }
}

/// SIGHUP would take the rights of its session.
#[tokio::test]
#[ignore = "needs mosquitto and busybox"]
async fn a_report_after_a_restart_waits_for_a_servidor_from_outside() {
    for shell in [Shell::System, Shell::Busybox] {
        let mut doors = Doors::open_with(shell, &[]).await;
        let user = doors.new_user(&["servidor", "server3"]);
        let endpoint = doors.outside(Transport::Tcp, Version::V5);
        begin_session(endpoint, &of_outsider(&user)).await;
        assert!(!doors.log().contains("is lost until they connect again"));
        doors.terminate();
        let signals = doors.log().matches("Reloading config").count();
        doors.start().await;
        assert!(doors.log().contains("is lost until they connect again"), "{}", doors.log());
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        report(&doors, "after").await;
        assert_eq!(received(endpoint, &of_outsider(&user)).await, ["after"]);
        assert_eq!(doors.log().matches("Reloading config").count(), signals);
    }
}

/// At SIGHUP these would use freed memory: no version that has the fault is needed to see that none is
/// sent.
#[tokio::test]
#[ignore = "needs mosquitto"]
async fn no_signal_is_sent_to_a_mosquitto_that_it_would_harm() {
    for (version, is_sent) in [("2.0.15", false), ("2.0.22", false), ("2.0.23", true)] {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("mosquitto");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" != -h ] || {{ echo mosquitto version {version}; exit; }}\n\
             PATH=${{PATH#*:}}\nexec mosquitto \"$@\"\n"
        );
        std::fs::write(&program, script).expect("a script");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("a mode");
        let rest = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{rest}:/usr/sbin", folder.path().display());
        let mut doors = Doors::open_with(Shell::System, &[("PATH", &path)]).await;
        let user = doors.new_user(&["gateway", "cliente3"]);
        let endpoint = doors.outside(Transport::Tcp, Version::V5);
        let gateway = of_outsider(&user);
        drop(Connection::open(endpoint, &gateway).await.expect("it may enter"));
        doors.terminate();
        let signals = doors.log().matches("Reloading config").count();
        doors.start().await;
        let is_noted = doors.log().contains("Use 2.0.23 or later");
        assert_eq!(is_noted, !is_sent, "{version}: {}", doors.log());
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let sent = doors.log().matches("Reloading config").count() - signals;
        assert_eq!(sent, usize::from(is_sent), "{version}: {}", doors.log());
    }
}

/// Without a database there is no session that waits, and with `BROKER_ABERTO` none needs rights.
#[tokio::test]
#[ignore = "needs mosquitto"]
async fn no_signal_is_sent_where_none_is_needed() {
    for open in ["", "sim"] {
        let mut doors = Doors::open_with(Shell::System, &[("BROKER_ABERTO", open)]).await;
        if open == "sim" {
            begin_session(doors.inside(), &of_insider()).await;
            doors.terminate();
            doors.start().await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(!doors.log().contains("Reloading config"), "{}", doors.log());
    }
}
