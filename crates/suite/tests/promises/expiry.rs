//! A reserva ends by itself at its `fim`, and one event reports it.

use std::time::Duration;

use protocol::Timestamp;
use serde_json::json;

use super::history::now;
use crate::harness::{PlainClient, World, eventually, payload};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn an_ended_reserva_frees_its_posto_at_that_instant() {
    let world = World::on_mosquitto().await;
    let (_server, client) = world.pair().await;
    // Several rounds, so that most ends fall between two sweeps.
    for round in 0..6 {
        let (posto_id, fim) = (round + 1, now() + 4_000);
        let mut body = payload(&format!("AAA000{round}"), posto_id);
        body["fim"] = json!(Timestamp::clamped(fim));
        assert_eq!(client.reservar(&body).await.status, 200);
        let mut next = payload(&format!("BBB000{round}"), posto_id);
        next["fim"] = json!(Timestamp::clamped(fim + 60_000));
        let last_moments = Duration::from_millis((fim - 300 - now()).try_into().unwrap_or(0));
        tokio::time::sleep(last_moments).await;
        loop {
            let sent = now();
            let answer = client.reservar(&next).await;
            let answered = now();
            match answer.verdict() {
                (200, _) => {
                    let inicio = answer.json["reserva"]["inicio"].as_str().expect("a moment");
                    let inicio: Timestamp = inicio.parse().expect("a moment");
                    assert!(inicio.as_millis() >= fim, "reserved before it was free: {answer:?}");
                    break;
                }
                (409, _) => assert!(sent <= fim, "{sent} to {answered}, yet held: {answer:?}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn an_end_is_published_once_across_restarts() {
    let world = World::on_mosquitto().await;
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &["reservas/+/status"]).await;
    let mut body = payload("AAA0001", 1);
    body["fim"] = json!(Timestamp::clamped(now() + 4_000));
    let made = client.reservar(&body).await;
    assert_eq!(made.status, 200, "{made:?}");
    let topic = format!("reservas/{}/status", made.json["reserva"]["id"]);
    assert_eq!(listener.next(&topic).await["status"], "ativa");
    // The reserva ends while its servidor is down.
    server.kill().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let server = world.server("server1").await;
    let event = listener.next(&topic).await;
    assert_eq!(event["status"], "encerrada");
    assert!(server.stop().await.success());
    let server = world.server("server1").await;
    eventually("/readyz answers 200", async || server.get("/readyz").await.status == 200).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(listener.received(&topic), Vec::<serde_json::Value>::new(), "published once");
}
