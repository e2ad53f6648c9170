//! A name server that does not answer.

use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use crate::harness::{Program, World};

/// Docker sends SIGKILL after 10 s.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// The address of the name server: no other program listens there.
const SILENT: &str = "127.0.0.53";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root to replace /etc/resolv.conf for a program"]
async fn a_stop_while_a_name_is_looked_up_is_bounded() {
    let world = World::on_mosquitto().await;
    let silent = UdpSocket::bind((SILENT, 53)).await.expect("a port");
    let resolv_conf = world.folder().join("resolv.conf");
    let text = format!("nameserver {SILENT}\noptions timeout:15 attempts:3\n");
    std::fs::write(&resolv_conf, text).expect("a file");
    world.seed_postos("server1", 20);
    for (name, id) in [("server", "SERVER_ID"), ("client", "MQTT_CLIENT_ID")] {
        let set = [(id, "server1"), ("MQTT_BROKER", "broker.example")];
        let mount = "mount --bind \"$1\" /etc/resolv.conf";
        let mut program = Program::start_with_mount(mount, &resolv_conf, name, &world, &set).await;
        let mut question = [0; 512];
        let asked = tokio::time::timeout(crate::harness::TEST_TIMEOUT, silent.recv(&mut question));
        asked.await.expect("it looks the broker up").expect("a question");
        let started = Instant::now();
        program.signal("-TERM");
        assert!(program.ended().await.success());
        assert!(started.elapsed() < STOP_LIMIT, "{:?}", started.elapsed());
    }
}
