//! Changes that are not done when the time of a stop is up: each is made and published, or not made.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stops::{database, execute};
use crate::harness::{Answer, MARKER, PlainClient, Program, World, seed_payload};

const PRIVATE: &str = "client/cliente1/reservas/status";
/// Takes the posto away that the seed's reserva has.
const PATH: &str = "/postos/5/disponibilidade";

/// A servidor with a reserva, and who listens to what happens to it.
async fn scene(world: &World) -> (Program, Answer, PlainClient) {
    let (server, client) = world.pair().await;
    let listener = PlainClient::subscribe(world, "listener", &[PRIVATE, MARKER]).await;
    let made = client.reservar(&seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    (server, made, listener)
}

fn removal() -> Value {
    json!({"disponivel": false, "reservas": "cancelar"})
}

/// Waits for the end, after which the client of a cancelled reserva was told.
async fn ends_with_all_or_nothing(
    world: &World,
    mut server: Program,
    made: &Answer,
    mut listener: PlainClient,
) {
    assert!(server.ended().await.success());
    let ended = server.log_lines();
    listener.catch_up().await;
    let told = listener.received(PRIVATE).iter().any(|event| event["status"] == "cancelada");
    let server = world.server("server1").await;
    let kept = server.get("/reservas").await.json;
    let reservas = kept["reservas"].as_array().expect("a list");
    let kept = reservas.iter().find(|one| one["id"] == made.json["reserva"]["id"]);
    let status = kept.expect("the reserva")["status"].clone();
    assert_eq!(told, status == "cancelada", "it is {status}: {ended:#?}");
    let logged = |text: &str| ended.iter().any(|line| line["message"] == text);
    assert!(logged("stopped"), "the database was closed: {ended:#?}");
    assert!(!logged("changes were made when nothing announced them any more"));
}

async fn the_lock_is_free_after(delay: Duration) {
    let world = World::new().await;
    let (server, made, listener) = scene(&world).await;
    let mut other = database(&world.database("server1")).await;
    execute(&mut other, "BEGIN IMMEDIATE").await;
    let request = server.request(Method::PUT, PATH).json(&removal());
    let changing = tokio::spawn(request.send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("-TERM");
    tokio::time::sleep(delay).await;
    execute(&mut other, "ROLLBACK").await;
    drop(other);
    ends_with_all_or_nothing(&world, server, &made, listener).await;
    assert!(changing.await.expect("a task").is_err(), "it is not said to be done or not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_gets_the_lock_just_after_the_grace_of_requests_is_published() {
    the_lock_is_free_after(Duration::from_millis(2_300)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_gets_the_lock_late_in_a_stop_is_published_or_not_made() {
    the_lock_is_free_after(Duration::from_millis(2_700)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_body_arrives_late_in_a_stop_is_not_carried_out() {
    let world = World::new().await;
    let (server, made, listener) = scene(&world).await;
    let addr = server.url("");
    let addr = addr.strip_prefix("http://").expect("an address");
    let mut connection = TcpStream::connect(addr).await.expect("it listens");
    let (body, login) = (removal().to_string(), server.token().unwrap_or("none"));
    let head = format!(
        "PUT {PATH} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {login}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.expect("it is sent");
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("-TERM");
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    // The connection may be closed already.
    let _ = connection.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    assert_eq!(String::from_utf8_lossy(&answer), "", "it was cut off");
    ends_with_all_or_nothing(&world, server, &made, listener).await;
}
