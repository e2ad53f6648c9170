//! Stops while something is stuck.

use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::harness::{Program, World, eventually, payload, seed_payload};

/// Docker sends SIGKILL after 10 s.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// Sends a signal and waits for the end, which must come in time.
pub(crate) async fn stops(mut program: Program, signal: &str) -> ExitStatus {
    let started = Instant::now();
    program.signal(signal);
    let status = program.ended().await;
    assert!(started.elapsed() < STOP_LIMIT, "the stop took {:?}", started.elapsed());
    status
}

pub(super) async fn database(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    options.connect().await.expect("the file opens")
}

pub(super) async fn execute(database: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(sql).execute(database).await.expect(sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_another_program_holds_the_write_lock_is_bounded_and_loses_nothing() {
    let world = World::new().await;
    let server = world.server("server1").await;
    // Its caller waits for the next servidor, however busy this machine is.
    let client = world.client_with("cliente1", &[("TEMPO_LIMITE_RESERVA", "60")]).await;
    client.sees("server1", "online").await;
    let made = client.reservar(&payload("AAA0001", 1)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let mut other = database(&world.database("server1")).await;
    execute(&mut other, "BEGIN IMMEDIATE").await;
    let waiting = tokio::spawn({
        let (url, body) = (client.url("/reservar"), payload("BBB0002", 2));
        async move { reqwest::Client::new().post(url).json(&body).send().await }
    });
    // By its admin API too; both wait for the lock.
    let changing = tokio::spawn({
        let request = server.request(reqwest::Method::DELETE, "/postos/3");
        async move { request.send().await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(stops(server, "-TERM").await.success());
    assert!(changing.await.expect("a task").is_err(), "it was not answered");
    execute(&mut other, "ROLLBACK").await;
    drop(other);
    let server = world.server("server1").await;
    let answer = waiting.await.expect("a task").expect("an answer");
    assert_eq!(answer.status(), 200, "the broker delivers the command again");
    let kept = server.get("/reservas").await.json;
    let mut placas: Vec<_> =
        kept["reservas"].as_array().expect("a list").iter().map(|one| &one["placa"]).collect();
    placas.sort_by_key(ToString::to_string);
    assert_eq!(placas, ["AAA0001", "BBB0002"]);
}

const SIGHUP: u64 = 1;
const SIGTERM: u64 = 1 << 14;

/// Whether a process has a handler for a signal. Without one the signal would just end it.
fn handles(pid: u32, signal: u64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    u64::from_str_radix(caught.trim(), 16).expect("a mask") & signal != 0
}

/// A servidor whose start is stuck.
async fn start(world: &World, set: &[(&str, &str)]) -> tokio::process::Child {
    let mut start = tokio::process::Command::new(crate::harness::path_of("server").await);
    start.env_clear().env("SERVER_ID", "server1").env("HTTP_ADDR", "127.0.0.1:0");
    start.envs(set.iter().copied()).current_dir(world.folder()).kill_on_drop(true);
    let child = start.stdout(std::process::Stdio::null()).spawn().expect("it starts");
    let pid = child.id().expect("it runs");
    eventually("it handles SIGTERM", async || handles(pid, SIGTERM)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    child
}

async fn start_stops(mut child: tokio::process::Child) {
    let pid = child.id().expect("its start is stuck").to_string();
    let started = Instant::now();
    let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("kill runs").success());
    let ended = tokio::time::timeout(crate::harness::TEST_TIMEOUT, child.wait()).await;
    let status = ended.expect("it ends").expect("it was running");
    assert!(status.success() && started.elapsed() < STOP_LIMIT, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_for_the_database_can_be_stopped() {
    let world = World::new().await;
    assert!(world.server("server1").await.stop().await.success());
    let mut other = database(&world.database("server1")).await;
    execute(&mut other, "PRAGMA locking_mode = EXCLUSIVE").await;
    execute(&mut other, "BEGIN EXCLUSIVE").await;
    start_stops(start(&world, &[]).await).await;
    execute(&mut other, "ROLLBACK").await;
}

/// Nothing writes into the pipe, so the program waits in a system call.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_for_a_file_can_be_stopped() {
    let world = World::new().await;
    let pipe = world.folder().join("postos.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    start_stops(start(&world, &[("POSTOS_CSV", "postos.csv")]).await).await;
}

/// A broker that takes connections and never says a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_with_a_broker_that_does_not_answer_is_bounded() {
    let world = World::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("an address").port().to_string();
    let server = world.server_with("server1", &[("MQTT_PORT", &port)]).await;
    let client = world.client_with("cliente1", &[("MQTT_PORT", &port)]).await;
    for _ in 0..2 {
        let (mut connection, _) = silent.accept().await.expect("a connection");
        connection.read_u8().await.expect("it sends CONNECT");
        tokio::spawn(async move { drop(connection.read_to_end(&mut Vec::new()).await) });
    }
    let (server, client) = tokio::join!(stops(server, "-TERM"), stops(client, "-TERM"));
    assert!(server.success() && client.success());
}

/// A broker that stopped taking part while its connections stay open.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_with_a_half_open_connection_to_the_broker_is_bounded() {
    let world = World::new().await;
    let relay = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = relay.local_addr().expect("an address").port().to_string();
    let broker = world.broker.port();
    let cut = CancellationToken::new();
    let is_cut = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut program, _)) = relay.accept().await {
            let is_cut = is_cut.clone();
            tokio::spawn(async move {
                let mut broker =
                    TcpStream::connect(("127.0.0.1", broker)).await.expect("the broker listens");
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut program, &mut broker) => {}
                    () = is_cut.cancelled() => std::future::pending().await,
                }
            });
        }
    });
    let server = world.server_with("server1", &[("MQTT_PORT", &port)]).await;
    let client = world.client_with("cliente1", &[("MQTT_PORT", &port)]).await;
    client.sees("server1", "online").await;
    assert_eq!(client.reservar(&seed_payload()).await.status, 200);
    cut.cancel();
    let waiting = tokio::spawn({
        let (url, body) = (client.url("/reservar"), payload("BBB0002", 2));
        async move { reqwest::Client::new().post(url).json(&body).send().await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (server, client) = tokio::join!(stops(server, "-TERM"), stops(client, "-TERM"));
    assert!(server.success() && client.success());
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_never_finish_do_not_delay_a_stop() {
    let world = World::new().await;
    world.seed_postos("server1", 10_000);
    let (server, client) = world.pair().await;
    let mut open = Vec::new();
    for program in [&server, &client] {
        for text in [
            "",
            "GET / HTTP/1.1\r\nHost",
            "POST /reservar HTTP/1.1\r\nContent-Type: application/json\r\n\
             Content-Length: 300\r\n\r\n{",
            &"GET /postos?server_id=server1 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20),
        ] {
            let addr = program.url("");
            let addr = addr.strip_prefix("http://").expect("an address");
            let mut connection = TcpStream::connect(addr).await.expect("it listens");
            tokio::io::AsyncWriteExt::write_all(&mut connection, text.as_bytes())
                .await
                .expect("it is sent");
            open.push(connection);
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let logs = [server.log.clone(), client.log.clone()];
    let (server, client) = tokio::join!(stops(server, "-TERM"), stops(client, "-QUIT"));
    assert!(server.success() && client.success());
    for log in logs {
        let text = std::fs::read_to_string(log).expect("a log");
        assert!(text.contains("\"message\":\"stopped\""), "{text}");
    }
    let wal = world.folder().join("data/server1.db-wal");
    assert!(!wal.exists(), "the database is one complete file");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_that_ask_for_no_stop_end_nothing() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    for program in [&server, &client] {
        for signal in ["-HUP", "-USR1", "-USR2", "-PIPE", "-XFSZ"] {
            program.signal(signal);
        }
        eventually("the signals are logged", async || {
            let logged = program
                .log_lines()
                .into_iter()
                .filter_map(|mut line| line["signal"].take().as_str().map(str::to_owned));
            let mut logged: Vec<_> = logged.collect();
            logged.sort();
            logged == ["SIGHUP", "SIGUSR1", "SIGUSR2"]
        })
        .await;
    }
    assert_eq!(client.reservar(&seed_payload()).await.json["status"], json!("sucesso"));
    assert!(stops(client, "-QUIT").await.success());
    assert!(stops(server, "-INT").await.success());
}

/// A reload may be asked for as soon as the process is there. This one stays for a second, because
/// nobody reads why it cannot start.
#[tokio::test(flavor = "multi_thread")]
async fn signals_that_ask_for_no_stop_are_survived_before_anything_is_read() {
    const PIPE_BYTES: usize = 64 * 1024;
    for (name, id) in [("server", "SERVER_ID"), ("client", "MQTT_CLIENT_ID")] {
        let (_reader, mut full) = std::io::pipe().expect("a pipe");
        std::io::Write::write_all(&mut full, &[0; PIPE_BYTES]).expect("it has space");
        let mut start = tokio::process::Command::new(crate::harness::path_of(name).await);
        start.env_clear().env(id, "one").env("RUST_LOG", "inof").kill_on_drop(true).stderr(full);
        let mut child = start.spawn().expect("it starts");
        let pid = child.id().expect("it runs");
        eventually("it handles SIGHUP", async || handles(pid, SIGHUP)).await;
        let status = child.wait().await.expect("its status");
        assert_eq!(status.code(), Some(2), "its log filter is wrong");
    }
}
