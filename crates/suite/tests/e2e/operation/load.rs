//! Many callers at once, and one large answer.

use std::collections::HashSet;

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{World, payload};

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_callers_for_a_hundred_postos_make_exactly_a_hundred_reservas() {
    let world = World::new().await;
    world.seed_postos("server1", 100);
    let (server, first) = world.pair().await;
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    let http = reqwest::Client::new();
    let mut callers = JoinSet::new();
    for caller in 0..2000 {
        let gateway = if caller % 2 == 0 { &first } else { &second };
        let body = payload(&format!("CAR{caller:04}"), caller % 100 + 1);
        let request = http.post(gateway.url("/reservar")).json(&body);
        callers.spawn(async move {
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            (status, answer.json::<serde_json::Value>().await.expect("JSON"))
        });
    }
    let mut reserved = HashSet::new();
    while let Some(answer) = callers.join_next().await {
        match answer.expect("a caller") {
            (200, made) => {
                let posto_id = made["reserva"]["posto_id"].as_i64();
                assert!(reserved.insert(posto_id), "a posto was reserved twice: {made}");
            }
            (409, refused) => assert_eq!(refused["codigo"], "posto_reservado"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reserved.len(), 100);
    assert!(server.stop().await.success());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.database("server1"));
    let mut database = sqlx::ConnectOptions::connect(&options).await.expect("the file opens");
    let kept: (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(DISTINCT posto_id) FROM reservas WHERE status = 'ativa'",
    )
    .fetch_one(&mut database)
    .await
    .expect("a count");
    assert_eq!(kept, (100, 100), "reservas and distinct postos on disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_postos_fit_in_one_answer() {
    let world = World::new().await;
    world.seed_postos("server1", 10_000);
    let (_server, client) = world.pair().await;
    let listed = client.get("/postos?server_id=server1").await;
    assert_eq!(listed.status, 200);
    assert_eq!(listed.json["postos"].as_array().map(Vec::len), Some(10_000));
    assert_eq!(listed.json["postos"][9_999]["id"], json!(10_000));
}
