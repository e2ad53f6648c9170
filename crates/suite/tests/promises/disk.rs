//! A disk that is full, and one that cannot be written at all.

use std::process::Command;

use super::scene::{Disk, run};
use crate::harness::{World, eventually, path_of, payload};

const ON_DISK: (&str, &str) = ("DATABASE_URL", "sqlite:///./disk/server1.db");

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root to mount a small disk"]
async fn a_full_disk_is_said_and_nothing_is_half_done() {
    let world = World::on_mosquitto().await;
    let disk = Disk::mount(&world.folder().join("disk"));
    world.seed_postos("server1", 20);
    let (server, client) =
        tokio::join!(world.server_with("server1", &[ON_DISK]), world.client("cliente1"));
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);

    disk.fill();
    let denied = client.reservar(&payload("BBB0002", 2)).await;
    assert_eq!(denied.verdict(), (503, "servidor_indisponivel"), "{denied:?}");
    let text = denied.json["mensagem"].as_str().unwrap_or_default();
    assert!(text.contains("server1"), "it says who cannot: {text}");
    assert_eq!(server.get("/readyz").await.status, 503, "no new work is sent here");
    assert_eq!(server.get("/healthz").await.status, 200, "a restart would not help");
    let listed = client.get("/postos?server_id=server1").await;
    assert_eq!(listed.status, 200, "reading goes on: {listed:?}");

    disk.clear();
    server.ready().await;
    assert_eq!(client.reservar(&payload("CCC0003", 2)).await.status, 200, "nobody holds it");
    let kept = server.get("/reservas").await.json;
    let placas: Vec<_> =
        kept["reservas"].as_array().expect("a list").iter().map(|r| &r["placa"]).collect();
    assert_eq!(placas, ["CCC0003", "AAA0001"]);

    // Killed in the middle of it, all that was promised is still there.
    disk.fill();
    assert_eq!(client.reservar(&payload("DDD0004", 4)).await.status, 503);
    server.kill().await;
    disk.clear();
    let server = world.server_with("server1", &[ON_DISK]).await;
    let kept = server.get("/reservas").await.json;
    assert_eq!(kept["reservas"].as_array().map(Vec::len), Some(2), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root to mount a small disk"]
async fn a_database_that_may_not_be_written_is_said_at_the_start() {
    let world = World::on_mosquitto().await;
    let disk = Disk::mount(&world.folder().join("disk"));
    world.seed_postos("server1", 20);
    assert!(world.server_with("server1", &[ON_DISK]).await.stop().await.success());
    run(Command::new("mount").args(["-o", "remount,ro"]).arg(world.folder().join("disk")));
    let program = path_of("server").await;
    let mut start = tokio::process::Command::new(program);
    start.env_clear().current_dir(world.folder()).kill_on_drop(true);
    start.envs([("SERVER_ID", "server1"), ("HTTP_ADDR", "127.0.0.1:0"), ON_DISK]);
    let ended = tokio::time::timeout(crate::harness::PATIENCE, start.output()).await;
    let output = ended.expect("it gives up at once").expect("it starts");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("DATABASE_URL") && said.contains("disk/server1.db"), "{said}");
    run(Command::new("mount").args(["-o", "remount,rw"]).arg(world.folder().join("disk")));
    let server = world.server_with("server1", &[ON_DISK]).await;
    eventually("it is well again", async || server.get("/readyz").await.status == 200).await;
    drop(disk);
}
