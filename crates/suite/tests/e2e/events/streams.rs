//! Streams of events as connections: who may open how many, and how they end.

use std::time::Duration;

use serde_json::Value;

use crate::access::app_tokens::{make, with_tokens};
use crate::events::servidor::{path_of, reserve};
use crate::harness::{BrokerAccess, EventStream, PlainClient, World, eventually};
use crate::operation::stops::stops;

/// After this a stop of a gateway closes the connections whose answers have not ended.
const HTTP_GRACE: Duration = Duration::from_secs(3);

/// A page of another origin reads events by `fetch`, with a token and the id of the last one.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_may_resume() {
    let world = World::new().await;
    let client = world.client("cliente1").await;
    let asked = "authorization,last-event-id";
    let preflight = client.request(reqwest::Method::OPTIONS, "/reservas/x/eventos");
    let preflight = preflight.header("Origin", "https://app.example.com");
    let preflight = preflight.header("Access-Control-Request-Method", "GET");
    let answer = preflight.header("Access-Control-Request-Headers", asked).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-headers"], asked);
    let stream = client.request(reqwest::Method::GET, "/eventos");
    let stream = EventStream::open(stream.header("Origin", "https://app.example.com")).await;
    let stream = stream.unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!(stream.header("access-control-allow-origin"), "*");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_have_a_bound_of_their_own() {
    let world = World::new().await;
    let _server = world.server("server1").await;
    let set = [("MAX_EVENTOS", "8"), ("MAX_REQUISICOES", "1")];
    let client = world.client_with("cliente1", &set).await;
    client.sees("server1", "online").await;
    let request_id = reserve(&client).await;
    let path = path_of(&request_id);
    let mut open = Vec::new();
    for path in ["/eventos", &path, "/eventos", &path] {
        let mut stream = client.listen(path).await;
        // Its own questions are in flight until then.
        stream.next().await.expect("a state");
        open.push(stream);
    }
    for path in ["/eventos", &path] {
        let answer = client.request(reqwest::Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        let refused: Value = answer.json().await.expect("JSON");
        assert_eq!(refused["codigo"], "sobrecarregado", "one caller has no more than half");
        let mensagem = refused["mensagem"].as_str().expect("a text");
        assert!(mensagem.starts_with("Há fluxos de eventos demais abertos."), "{mensagem}");
    }
    // The gateway's own questions are requests in flight, for a moment; streams would be for good.
    eventually("streams are no requests in flight", async || {
        client.get("/postos?server_id=server1").await.status == 200
    })
    .await;
    open.pop();
    // It is noticed at once, not when something is written.
    let left = std::time::Instant::now();
    eventually("its place is free", async || {
        EventStream::open(client.request(reqwest::Method::GET, "/eventos")).await.is_ok()
    })
    .await;
    assert!(left.elapsed() < Duration::from_secs(5), "{:?}", left.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_without_a_token_take_none_from_an_app_at_the_same_address() {
    let world = World::new().await;
    let app = make(&world, "app1").await;
    let client = with_tokens(&world, &[&app.line], &[("MAX_EVENTOS", "8")]).await;
    let request = || client.request(reqwest::Method::GET, "/eventos");
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(EventStream::open(request()).await.unwrap_or_else(|one| panic!("{one:?}")));
    }
    assert!(EventStream::open(request()).await.is_err(), "half of them are taken");
    let own = EventStream::open(request().header("Authorization", &app.token)).await;
    assert!(own.is_ok(), "an app has its own share");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_streams_at_once() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let path = path_of(&reserve(&client).await);
    let mut streams = vec![client.listen("/eventos").await, client.listen(&path).await];
    for stream in &mut streams {
        stream.next().await.expect("a state");
    }
    let started = std::time::Instant::now();
    let end = async {
        for stream in &mut streams {
            assert_eq!(stream.next().await, None);
            assert!(started.elapsed() < HTTP_GRACE, "{:?}", started.elapsed());
            assert_eq!(stream.comments, ["fim"]);
        }
    };
    let (stopped, ()) = tokio::join!(stops(client, "-TERM"), end);
    assert!(stopped.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_has_a_sign_of_life() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let path = path_of(&reserve(&client).await);
    let mut stream = client.listen(&path).await;
    stream.next().await.expect("its state");
    // A sign comes every 15 s.
    let limit = Duration::from_secs(25);
    let _ = tokio::time::timeout(limit, stream.next_within(2 * limit)).await;
    assert_eq!(stream.comments, ["ping"]);
}

/// What the broker counts, of all programs.
async fn subscriptions(observer: &mut PlainClient) -> i64 {
    observer.next("$SYS/broker/subscriptions/count").await.as_i64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn nobody_listens_so_nothing_is_subscribed_to() {
    let world = World::on_mosquitto_with_access(BrokerAccess::Anonymous, "sys_interval 1\n").await;
    let (_server, client) = world.pair().await;
    let path = path_of(&reserve(&client).await);
    let topic = "$SYS/broker/subscriptions/count";
    let mut observer = PlainClient::subscribe(&world, "observer", &[topic]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    observer.received(topic);
    let before = latest(&mut observer).await;
    let mut streams = Vec::new();
    for path in ["/eventos", "/eventos", &path, &path] {
        let mut stream = client.listen(path).await;
        stream.next().await.expect("a state");
        streams.push(stream);
    }
    // Of all postos, of the reserva, and of this gateway's reservas.
    becomes(&mut observer, before + 3).await;
    drop(streams);
    becomes(&mut observer, before).await;
}

/// What the broker counts now.
async fn latest(observer: &mut PlainClient) -> i64 {
    let mut count = subscriptions(observer).await;
    let wait = Duration::from_millis(2_500);
    while let Ok(next) = tokio::time::timeout(wait, subscriptions(observer)).await {
        count = next;
    }
    count
}

/// The broker publishes its count when it changes.
async fn becomes(observer: &mut PlainClient, expected: i64) {
    while subscriptions(observer).await != expected {}
}
