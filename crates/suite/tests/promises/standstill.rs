//! A servidor that stands still for longer than carros may be late, as one does on a machine that slept.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::{FAILPOINTS_SERVER, Program, World, eventually, payload};

/// How late a carro may come: a minute for the program for tests, in milliseconds.
const TOLERANCE: &str = "7000";
/// A little more than what counts as standing still, and less than ends the link to the broker.
const STANDSTILL: Duration = Duration::from_millis(10_800);
/// In this time a request has reached the socket of a program that does not read it.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

async fn status(server: &Program, id: &Value) -> String {
    let reserva = server.get(&format!("/reservas/{id}")).await.json;
    reserva["status"].as_str().expect("a state").to_owned()
}

/// What waits at its socket is the first that it does, before any sweep.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_servidor_that_stood_still_finds_no_carro_absent() {
    let world = World::on_mosquitto().await;
    world.seed_postos("server1", 20);
    let rules =
        [("SERVER_ID", "server1"), ("RESERVA_TOLERANCIA_MIN", "1"), ("MINUTE_MILLIS", TOLERANCE)];
    let (server, client) =
        tokio::join!(Program::start(FAILPOINTS_SERVER, &world, &rules), world.client("cliente1"));
    client.sees("server1", "online").await;
    let mut ids = Vec::new();
    for (placa, posto_id) in [("AAA0001", 1), ("BBB0002", 2), ("CCC0003", 3)] {
        let made = client.reservar(&payload(placa, posto_id)).await;
        assert_eq!(made.status, 200, "{made:?}");
        ids.push(made.json["reserva"]["id"].clone());
    }
    server.freeze();
    sleep(STANDSTILL - ON_ITS_WAY).await;
    let (arrives, taken) = (json!({"placa": "AAA0001"}), json!({"placa": "ZZZ0009"}));
    let thaw = async {
        sleep(ON_ITS_WAY).await;
        server.thaw();
    };
    let (listed, shown, arrived, refused, ()) = tokio::join!(
        server.get("/postos"),
        status(&server, &ids[1]),
        server.post("/postos/1/carregamentos", &arrives),
        server.post("/postos/3/carregamentos", &taken),
        thaw
    );
    let postos = listed.json["postos"].as_array().expect("a list").clone();
    let free: Vec<&Value> = postos.iter().map(|posto| &posto["disponivel"]).take(4).collect();
    assert_eq!(free, [false, false, false, true], "{listed:?}");
    assert_eq!(shown, "ativa");
    assert_eq!(arrived.status, 201, "{arrived:?}");
    assert_eq!(refused.verdict(), (409, "posto_reservado"), "{refused:?}");
    assert_eq!(status(&server, &ids[0]).await, "cumprida", "it could not come before");
    // The others have a whole tolerance, and no more.
    assert_eq!(status(&server, &ids[1]).await, "ativa");
    eventually("it is absent", async || status(&server, &ids[1]).await == "nao_compareceu").await;
    assert_eq!(status(&server, &ids[2]).await, "nao_compareceu");
    assert!(server.stop().await.success());
}
