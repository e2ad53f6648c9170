//! A full disk, and a read-only one.

use std::process::Command;

use super::cluster::{Disk, run};
use crate::harness::{World, eventually, path_of, payload};

const ON_DISK: (&str, &str) = ("DATABASE_URL", "sqlite:///./disk/server1.db");

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root to mount a small disk"]
async fn a_full_disk_is_reported_and_leaves_no_partial_effect() {
    let world = World::on_mosquitto().await;
    let disk = Disk::mount(&world.folder().join("disk"));
    world.seed_postos("server1", 20);
    let (server, client) = world.pair_with(&[ON_DISK], &[]).await;
    assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);

    disk.fill();
    let failed = client.reservar(&payload("BBB0002", 2)).await;
    assert_eq!(failed.verdict(), (503, "servidor_indisponivel"), "{failed:?}");
    let text = failed.json["mensagem"].as_str().unwrap_or_default();
    assert!(text.contains("server1"), "the sentence names the servidor: {text}");
    assert_eq!(server.get("/readyz").await.status, 503, "a full disk makes the servidor unready");
    assert_eq!(
        server.get("/healthz").await.status,
        200,
        "a restart would not help, so it stays healthy"
    );
    let listed = client.get("/postos?server_id=server1").await;
    assert_eq!(listed.status, 200, "listings still work: {listed:?}");

    disk.clear();
    server.ready().await;
    assert_eq!(
        client.reservar(&payload("CCC0003", 2)).await.status,
        200,
        "the failed reservation holds nothing"
    );
    let kept = server.get("/reservas").await.json;
    let placas: Vec<_> =
        kept["reservas"].as_array().expect("a list").iter().map(|r| &r["placa"]).collect();
    assert_eq!(placas, ["CCC0003", "AAA0001"]);

    // After a kill while the disk is full, all confirmed reservas are still there.
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
async fn a_read_only_database_is_reported_at_the_start() {
    let world = World::on_mosquitto().await;
    let disk = Disk::mount(&world.folder().join("disk"));
    world.seed_postos("server1", 20);
    assert!(world.server_with("server1", &[ON_DISK]).await.stop().await.success());
    run(Command::new("mount").args(["-o", "remount,ro"]).arg(world.folder().join("disk")));
    let program = path_of("server").await;
    let mut start = tokio::process::Command::new(program);
    start.env_clear().current_dir(world.folder()).kill_on_drop(true);
    start.envs([("SERVER_ID", "server1"), ("HTTP_ADDR", "127.0.0.1:0"), ON_DISK]);
    let ended = tokio::time::timeout(crate::harness::TEST_TIMEOUT, start.output()).await;
    let output = ended.expect("the start fails at once").expect("it starts");
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("DATABASE_URL") && stderr.contains("disk/server1.db"), "{stderr}");
    run(Command::new("mount").args(["-o", "remount,rw"]).arg(world.folder().join("disk")));
    let server = world.server_with("server1", &[ON_DISK]).await;
    eventually("/readyz answers 200", async || server.get("/readyz").await.status == 200).await;
    drop(disk);
}
