//! Callers that keep connections open without a request, send slowly or do not read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Program, TEST_TIMEOUT, World, eventually, payload};

const FEW_DESCRIPTORS: &[&str] = &["-n 128"];
const SERVER: &[(&str, &str)] = &[("SERVER_ID", "server1")];
const CLIENT: &[(&str, &str)] = &[("MQTT_CLIENT_ID", "cliente1")];
/// More than descriptors.
const MANY: usize = 200;
/// The time limit of a body, after which slow ones end in any case.
const BODY_LIMIT: Duration = Duration::from_secs(10);
const SLOW_READERS: usize = 120;

async fn limited_pair(world: &World) -> (Program, Program) {
    if !world.folder().join("data").exists() {
        world.seed_postos("server1", 20);
    }
    let server = Program::start_limited(FEW_DESCRIPTORS, "server", world, SERVER).await;
    let client = Program::start_limited(FEW_DESCRIPTORS, "client", world, CLIENT).await;
    client.sees("server1", "online").await;
    (server, client)
}

async fn connect(program: &Program) -> std::io::Result<TcpStream> {
    let addr = program.url("");
    let connecting = TcpStream::connect(addr.strip_prefix("http://").expect("an address"));
    tokio::time::timeout(TEST_TIMEOUT, connecting).await.expect("it is accepted")
}

/// Connections that have sent `text`, and that the program may close.
async fn open_many(program: &Program, count: usize, text: &str) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..count {
        let mut connection = connect(program).await.expect("it listens");
        // It may be closed already.
        let _ = connection.write_all(text.as_bytes()).await;
        open.push(connection);
    }
    open
}

fn reservation(body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(TEST_TIMEOUT, answer).await.expect("an answer in time")
}

async fn is_served(server: &Program, client: &Program, placa: &str, posto_id: i64) {
    for program in [server, client] {
        assert_eq!(in_time(program.get("/healthz")).await.status, 200);
        assert_eq!(in_time(program.get("/readyz")).await.status, 200);
    }
    assert_eq!(in_time(server.get("/postos")).await.status, 200);
    let made = in_time(client.reservar(&payload(placa, posto_id))).await;
    assert_eq!(made.status, 200, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_and_slow_heads_keep_out_neither_callers_nor_the_broker() {
    let mut world = World::new().await;
    let (server, client) = limited_pair(&world).await;
    let texts = ["", "GET / HTTP/1.1\r\nHost: x\r\n", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"];
    let mut open = Vec::new();
    for (text, posto_id) in texts.into_iter().zip(1..) {
        for program in [&server, &client] {
            open.push(open_many(program, MANY, text).await);
        }
        is_served(&server, &client, "AAA0001", posto_id).await;
    }
    world.broker.kill().await;
    for program in [&server, &client] {
        open.push(open_many(program, MANY, "").await);
        eventually("it notices that the broker is gone", async || {
            program.get("/readyz").await.status == 503
        })
        .await;
    }
    world.broker.start_again().await;
    for program in [&server, &client] {
        open.push(open_many(program, MANY, "").await);
        program.ready().await;
    }
    client.sees("server1", "online").await;
    is_served(&server, &client, "BBB0002", 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_keep_out_no_other_caller() {
    let world = World::new().await;
    let (server, client) = limited_pair(&world).await;
    let head = "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 300\r\n\r\n{";
    let started = Instant::now();
    let _open = open_many(&client, MANY, head).await;
    eventually("a reservation is made beside them", async || {
        client.reservar(&payload("AAA0001", 1)).await.status == 200
    })
    .await;
    assert!(started.elapsed() < BODY_LIMIT, "the reservation waited until they ended");
    let head = head.replace("/reservar", "/postos");
    let _open = open_many(&server, MANY, &head).await;
    eventually("postos are listed beside them", async || server.get("/postos").await.status == 200)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_are_not_requests_in_flight() {
    let world = World::new().await;
    let _server = world.server("server1").await;
    let client = world.client_with("cliente1", &[("MAX_REQUISICOES", "4")]).await;
    client.sees("server1", "online").await;
    let head = "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 300\r\n\r\n{";
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut connection = connect(&client).await.expect("it listens");
        connection.write_all(head.as_bytes()).await.expect("it is sent");
        open.push(connection);
        let made =
            client.reservar(&payload(&format!("AAA000{}", open.len()), open.len() as i64)).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_keep_out_no_other_caller() {
    let world = World::new().await;
    world.seed_postos("server1", 10_000);
    let (server, client) = limited_pair(&world).await;
    // More of an answer than the buffers of a socket take, on each connection.
    let request = "GET /postos?server_id=server1 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(4);
    let _readers = open_many(&client, SLOW_READERS, &request).await;
    assert_eq!(in_time(client.get("/healthz")).await.status, 200);
    eventually("a reservation is made beside them", async || {
        client.reservar(&payload("AAA0001", 1)).await.status == 200
    })
    .await;
    assert_eq!(in_time(server.get("/healthz")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_connection_waits_for_an_answer_probes_are_answered_and_others_refused() {
    let world = World::new().await;
    let (server, client) = limited_pair(&world).await;
    server.freeze();
    let mut waiting = Vec::new();
    for number in 0..90 {
        let mut connection = connect(&client).await.expect("it listens");
        let request = reservation(&payload(&format!("CAR{number:04}"), 1));
        connection.write_all(request.as_bytes()).await.expect("it is sent");
        waiting.push(connection);
    }
    eventually("others are refused", async || {
        client.get("/servidores").await.verdict() == (503, "sobrecarregado")
    })
    .await;
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
    server.thaw();
    let mut statuses = BTreeMap::new();
    for mut connection in waiting {
        let mut head = [0; 12];
        let read = tokio::time::timeout(TEST_TIMEOUT, connection.read_exact(&mut head)).await;
        read.expect("an answer").expect("an answer");
        *statuses.entry(String::from_utf8_lossy(&head[9..]).into_owned()).or_insert(0) += 1;
    }
    assert_eq!(statuses.remove("200"), Some(1), "the posto has one holder");
    assert!(statuses.remove("409").is_some_and(|served| served > 50), "{statuses:?}");
    assert!(statuses.remove("503").is_some(), "beyond the bound");
    assert!(statuses.is_empty(), "{statuses:?}");
    assert_eq!(client.get("/servidores").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_half_closes_gets_its_answer() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let mut connection = connect(&client).await.expect("it listens");
    let request = reservation(&payload("AAA0001", 1));
    connection.write_all(request.as_bytes()).await.expect("it is sent");
    connection.shutdown().await.expect("the sending side is closed");
    let mut answer = String::new();
    let read = tokio::time::timeout(TEST_TIMEOUT, connection.read_to_string(&mut answer));
    read.await.expect("an answer, and the end").expect("text");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let (_, json) = answer.split_once("\r\n\r\n").expect("a body");
    let reply: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(reply["status"], json!("sucesso"));
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_connections_free_their_descriptors() {
    let world = World::new().await;
    let (server, client) = limited_pair(&world).await;
    for program in [&server, &client] {
        let descriptors = || {
            let folder = format!("/proc/{}/fd", program.pid());
            std::fs::read_dir(folder).expect("a process").count()
        };
        let before = descriptors();
        drop(open_many(program, MANY, "").await);
        drop(open_many(program, MANY, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await);
        eventually("all are closed", async || descriptors() <= before).await;
    }
}
