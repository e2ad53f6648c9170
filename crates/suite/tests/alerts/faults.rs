//! Each fault makes its alert fire and no other; without a fault none fires.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::disk_faults::{Action, DiskFault, DiskFaults, Operations};
use crate::harness::{Program, World, eventually, free_port, run_subcommand};
use crate::load::Load;
use crate::prometheus::Prometheus;
use crate::proxy::{Behaviour, Proxy};

const ON: (&str, &str) = ("METRICS_ADDR", "127.0.0.1:0");
/// The longest `for:`, twice, and the time in which a fault is noticed.
const LIMIT: Duration = Duration::from_secs(60);
/// How long no other alert may fire beside the expected one.
const AFTER: Duration = Duration::from_secs(8);
/// As long, and until most answers of a range have waited for the writer.
const HANGING: Duration = Duration::from_secs(25);
/// The longest `for:` and the longest range, and some.
const QUIET: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(250);
/// Between two restarts: the writer commits meanwhile, so that it does not look as if it stood still,
/// and three restarts and [`AFTER`] are well within the range of the alert.
const RUNNING: Duration = Duration::from_secs(3);

/// A thousand pages of the table that nobody reads here.
const FILLER: &str = "INSERT INTO auditoria (quando, quem, acao, alvo, depois)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
    SELECT 0, 'teste', 'alterar', 'x', hex(zeroblob(2000)) FROM numbers";

/// A pair of programs, observed under load.
struct Scene {
    world: World,
    server: Program,
    client: Program,
    prometheus: Prometheus,
    load: Load,
}

impl Scene {
    async fn start() -> Self {
        Self::start_with(World::new().await, &[], &[]).await
    }

    async fn start_with(
        world: World,
        of_server: &[(&str, &str)],
        of_client: &[(&str, &str)],
    ) -> Self {
        let (of_server, of_client) = ([of_server, &[ON]].concat(), [of_client, &[ON]].concat());
        let (server, client) = world.pair_with(&of_server, &of_client).await;
        let prometheus = Prometheus::start(&world, &server, &client).await;
        let load = Load::start(&client);
        let scene = Self { world, server, client, prometheus, load };
        // So that what was slow at the start is out of every range.
        tokio::time::sleep(Duration::from_secs(12)).await;
        assert!(scene.load.answered() > 20, "{} requests", scene.load.answered());
        assert_eq!(scene.prometheus.firing().await, BTreeSet::new());
        scene
    }
}

/// Waits until the alert fires, and as long as that, and sees no other.
async fn only(prometheus: &Prometheus, alert: &str, after: Duration) {
    let (started, expected) = (Instant::now(), BTreeSet::from([alert.to_owned()]));
    let mut fired = None;
    while fired.is_none_or(|at: Instant| at.elapsed() < after) {
        let firing = prometheus.firing().await;
        assert!(firing.is_subset(&expected), "{firing:?} and not {alert} alone");
        if firing == expected {
            fired.get_or_insert_with(Instant::now);
        }
        assert!(fired.is_some() || started.elapsed() < LIMIT, "{alert} does not fire");
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until no alert fires.
async fn none(prometheus: &Prometheus) {
    let started = Instant::now();
    while !prometheus.firing().await.is_empty() {
        assert!(started.elapsed() < LIMIT, "it goes on after its cause");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_quiet_run_fires_none() {
    let scene = Scene::start().await;
    let started = Instant::now();
    while started.elapsed() < QUIET {
        assert_eq!(scene.prometheus.firing().await, BTreeSet::new());
        tokio::time::sleep(POLL).await;
    }
    assert!(scene.load.answered() > 100, "{} requests", scene.load.answered());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_broker_that_is_killed() {
    let mut scene = Scene::start().await;
    scene.world.broker.kill().await;
    only(&scene.prometheus, "BrokerLost", AFTER).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_database_that_another_program_locks() {
    let scene = Scene::start().await;
    let database = Connection::open(scene.world.database("server1")).expect("the database");
    database.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    only(&scene.prometheus, "WriterFailing", AFTER).await;
    database.execute_batch("ROLLBACK").expect("it is open");
    none(&scene.prometheus).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus and cc"]
async fn a_disk_that_hangs() {
    let world = World::new().await;
    let faults = DiskFaults::new(world.folder(), "server1");
    let environment = faults.environment();
    let of_server = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    // So that the reservations, which are late then, are more than one in 100 of the load.
    let scene = Scene::start_with(world, &of_server, &[("TEMPO_LIMITE_RESERVA", "2")]).await;
    // Longer than the test.
    let action = Action::Delay(Duration::from_secs(600));
    faults.set(DiskFault { action, count: None, ..DiskFault::once(Operations::SYNC) });
    only(&scene.prometheus, "WriterFailing", HANGING).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_backup_that_is_too_old() {
    let scene = Scene::start().await;
    let mark = scene.world.folder().join("data/server1.db.ultimo-backup");
    let old = r#"{"quando":"2026-01-01T00:00:00.000Z","bytes":1,"reservas":0}"#;
    std::fs::write(mark, old).expect("a file");
    only(&scene.prometheus, "BackupTooOld", AFTER).await;
    let id = [("SERVER_ID", "server1")];
    let made = run_subcommand("server", scene.world.folder(), &["backup", "copy.db"], id).await;
    assert!(made.status.success(), "{made:?}");
    none(&scene.prometheus).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus, and root to mount a small disk"]
async fn a_disk_with_little_space() {
    let world = World::new().await;
    let disk = Disk::mount(world.folder().join("disk"));
    let of_server = [("DATABASE_URL", "sqlite:///./disk/server1.db"), ON];
    let (server, client) = world.pair_with(&of_server, &[ON]).await;
    let prometheus = Prometheus::start(&world, &server, &client).await;
    let load = Load::start(&client);
    only(&prometheus, "DatabaseDiskAlmostFull", AFTER).await;
    drop((load, server, disk));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_servidor_that_is_killed() {
    let Scene { world: _world, server, client: _client, prometheus, load: _load } =
        Scene::start().await;
    server.kill().await;
    only(&prometheus, "ServidorGone", AFTER).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_servidor_that_is_killed_and_restarted_again_and_again() {
    let world = World::new().await;
    // The same at each start, so that Prometheus finds it.
    let addr = format!("127.0.0.1:{}", free_port());
    let of_server = [("METRICS_ADDR", addr.as_str())];
    let (mut server, client) = world.pair_with(&of_server, &[ON]).await;
    let prometheus = Prometheus::start(&world, &server, &client).await;
    for restarts in 1..=3 {
        tokio::time::sleep(RUNNING).await;
        assert_eq!(prometheus.firing().await, BTreeSet::new(), "before restart {restarts}");
        server.kill().await;
        server = world.server_with("server1", &of_server).await;
        server.ready().await;
        eventually("Prometheus sees the new process", async || {
            let seen = prometheus
                .query("changes(process_start_time_seconds{job=\"servidores\"}[1m])")
                .await;
            seen.first().is_some_and(|(_, changes)| *changes == restarts.to_string())
        })
        .await;
    }
    only(&prometheus, "RestartLoop", AFTER).await;
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_servidor_that_loses_the_broker() {
    let world = World::new().await;
    let link = Proxy::to(world.broker.port()).await;
    let port = link.port().to_string();
    let scene = Scene::start_with(world, &[("MQTT_PORT", &port)], &[]).await;
    link.set(Behaviour::Reset);
    only(&scene.prometheus, "BrokerLost", AFTER).await;
    scene.client.sees("server1", "offline").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus and mosquitto"]
async fn other_programs_with_the_id_of_a_gateway() {
    let scene = Scene::start_with(World::on_mosquitto().await, &[], &[]).await;
    // A program waits 10 s after each takeover, which is not shortened, so there are more of them.
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(scene.world.client_with("cliente1", &[]).await);
    }
    only(&scene.prometheus, "SameId", AFTER).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_gateway_that_is_killed() {
    let Scene { world: _world, server: _server, client, prometheus, load: _load } =
        Scene::start().await;
    client.kill().await;
    only(&prometheus, "GatewayGone", AFTER).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn metrics_of_a_servidor_that_cannot_be_scraped() {
    let world = World::new().await;
    let (server, client) = world.pair_with(&[ON], &[ON]).await;
    // Between it and Prometheus.
    let addr: SocketAddr = server.metrics_addr().parse().expect("an address");
    let link = Proxy::to(addr.port()).await;
    let scraped = format!("127.0.0.1:{}", link.port());
    let prometheus = Prometheus::start_at(&world, &scraped, &client).await;
    let _load = Load::start(&client);
    link.set(Behaviour::HalfOpen);
    only(&prometheus, "ServidorMetricsDown", AFTER).await;
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn a_wal_that_grows_behind_a_reader() {
    let scene = Scene::start().await;
    let path = scene.world.database("server1");
    let reader = Connection::open(&path).expect("the database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM reservas").expect("a snapshot");
    let writer = Connection::open(&path).expect("the database");
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0").expect("a setting");
    writer.busy_timeout(Duration::from_secs(20)).expect("a setting");
    // 45,000 pages, in parts that keep nobody waiting for long.
    for _ in 0..45 {
        writer.execute_batch(FILLER).expect("rows");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    only(&scene.prometheus, "WalGrowing", AFTER).await;
    reader.execute_batch("ROLLBACK").expect("it is open");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn replies_that_are_slow() {
    let world = World::new().await;
    let link = Proxy::to(world.broker.port()).await;
    let port = link.port().to_string();
    let scene = Scene::start_with(world, &[], &[("MQTT_PORT", &port)]).await;
    link.set(Behaviour::Slow(Duration::from_millis(900)));
    only(&scene.prometheus, "SlowAnswers", AFTER).await;
    assert_eq!(scene.client.get("/readyz").await.status, 200);
    assert_eq!(scene.server.get("/readyz").await.status, 200);
}

/// A disk in memory that is far from full, and small.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: PathBuf) -> Self {
        std::fs::create_dir_all(&path).expect("a folder");
        mount(&["-t", "tmpfs", "-o", "size=128m", "tmpfs"], &path);
        Self(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], path: &Path) {
    let mounted = Command::new("mount").args(arguments).arg(path).status();
    assert!(mounted.expect("mount runs").success(), "only root can mount");
}
