//! A servidor that crashes at each point of processing a reservation, and restarts.

use protocol::Timestamp;
use serde_json::json;

use super::history::now;

use crate::harness::{
    FAILPOINTS_CLIENT, FAILPOINTS_SERVER, PlainClient, Program, World, eventually, path_of,
    payload, seed_payload,
};

/// In the order in which a reservation reaches them; see `server/src/failpoints.rs`.
const POINTS: [&str; 6] =
    ["Received", "Begun", "BeforeCommit", "AfterCommit", "Replied", "BeforeAck"];

async fn server_with_failpoints(world: &World, set: &[(&str, &str)]) -> Program {
    let mut all = vec![("SERVER_ID", "server1")];
    all.extend_from_slice(set);
    Program::start(FAILPOINTS_SERVER, world, &all).await
}

async fn crashes_and_restarts(world: &World, point: &str) {
    world.seed_postos("server1", 20);
    let mut server = server_with_failpoints(world, &[("CRASH_AT", point)]).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let body = seed_payload();
    let key = format!("the one request of {point}");
    let restart = async {
        let status = server.ended().await;
        assert!(!status.success(), "{point}: the servidor crashes");
        server_with_failpoints(world, &[]).await
    };
    let (first, server) = tokio::join!(client.reservar_once(&key, &body), restart);
    // The broker delivers the command again, or the gateway repeats it, so the caller gets its
    // answer in spite of the crash.
    assert_eq!(first.status, 200, "{point}: {first:?}");
    let again = client.reservar_once(&key, &body).await;
    assert_eq!(again.json, first.json, "{point}: a repeat gets the same answer");
    let reservas = server.get("/reservas").await.json;
    let rows = reservas["reservas"].as_array().expect("a list");
    assert_eq!(rows.len(), 1, "{point}: {reservas}");
    assert_eq!(rows[0]["request_id"], first.json["request_id"], "{point}");
    let other = client.reservar(&body).await;
    assert_eq!(other.verdict(), (409, "posto_ja_reservado_para_este_carro"), "{point}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_reservation_survives_a_crash_at_every_point() {
    for point in POINTS {
        crashes_and_restarts(&World::on_mosquitto().await, point).await;
    }
}

/// A client that does not repeat its command depends on the broker's redelivery alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_client_that_does_not_repeat_is_answered_after_a_crash_at_every_point() {
    const REPLY: &str = "client/app1/postos/reserva/response";
    for point in POINTS {
        let world = World::on_mosquitto().await;
        world.seed_postos("server1", 20);
        let mut server = server_with_failpoints(&world, &[("CRASH_AT", point)]).await;
        server.ready().await;
        let mut app = PlainClient::subscribe(&world, "app1", &[REPLY]).await;
        let command = json!({"request_id": point, "client_id": "app1", "server_id": "server1",
            "carro": {"placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
                "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19},
            "posto_id": 5});
        app.publish("server/postos/reserva", command).await;
        assert!(!server.ended().await.success(), "{point}: the servidor crashes");
        let server = server_with_failpoints(&world, &[]).await;
        let answer = app.next(REPLY).await;
        assert_eq!(answer["status"], "sucesso", "{point}: {answer}");
        let reservas = server.get("/reservas").await.json;
        assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(1), "{point}: {reservas}");
    }
}

/// When the broker loses its state too, only the repeats of the gateway are left.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_crash_of_servidor_and_broker_together_leaves_all_or_nothing() {
    for point in POINTS {
        let mut world = World::on_mosquitto().await;
        world.seed_postos("server1", 20);
        let mut server = server_with_failpoints(&world, &[("CRASH_AT", point)]).await;
        let client = world.client("cliente1").await;
        client.sees("server1", "online").await;
        let (body, key) = (seed_payload(), format!("the one request of {point}"));
        let restart = async {
            assert!(!server.ended().await.success(), "{point}: the servidor crashes");
            world.broker.kill().await;
            world.broker.delete_saved_state();
            world.broker.start_again().await;
            server_with_failpoints(&world, &[]).await
        };
        let (first, server) = tokio::join!(client.reservar_once(&key, &body), restart);
        eventually("the gateway lists server1 again", async || {
            client.get("/postos?server_id=server1").await.status == 200
        })
        .await;
        let again = client.reservar_once(&key, &body).await;
        assert_eq!(again.status, 200, "{point}: {again:?}");
        if first.status == 200 {
            assert_eq!(again.json, first.json, "{point}");
        }
        let reservas = server.get("/reservas").await.json;
        assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(1), "{point}: {reservas}");
    }
}

/// So many rows are in a table, also while the servidor runs.
fn count(world: &World, table: &str) -> i64 {
    let file = rusqlite::Connection::open(world.database("server1")).expect("the database");
    file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect(table)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn what_is_archived_is_neither_lost_nor_doubled_by_a_crash() {
    const REQUESTS: i64 = 40;
    let world = World::on_mosquitto().await;
    world.seed_postos("server1", 40);
    let server = server_with_failpoints(&world, &[]).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let mut asked = Vec::new();
    for n in 1..=REQUESTS {
        let mut body = payload(&format!("ABC10{n:02}"), n);
        let inicio = now();
        body["inicio"] = json!(Timestamp::clamped(inicio));
        body["fim"] = json!(Timestamp::clamped(inicio + 4_000));
        let key = format!("a request that is archived {n}");
        let made = client.reservar_once(&key, &body).await;
        assert_eq!(made.status, 200, "{made:?}");
        asked.push((key, body, made.json));
    }
    let encerradas = format!("/reservas?status=encerrada&limite={REQUESTS}");
    let listed = async |server: &Program| server.get(&encerradas).await.json;
    eventually("all have ended", async || {
        listed(&server).await["reservas"].as_array().map(Vec::len) == Some(REQUESTS as usize)
    })
    .await;
    let before = listed(&server).await;
    assert!(server.stop().await.success());

    let age = ("ARCHIVE_AGE_MILLIS", "1");
    for _ in 0..2 {
        let mut server = server_with_failpoints(&world, &[age, ("CRASH_AT", "Archiving")]).await;
        assert!(!server.ended().await.success(), "it crashes");
        assert_eq!(count(&world, "archived_reservas"), 0, "the transaction was not committed");
    }
    // Killed at any moment, it goes on where it was.
    let mut archived = 0;
    while archived < REQUESTS {
        let server = server_with_failpoints(&world, &[age]).await;
        server.ready().await;
        assert_eq!(listed(&server).await, before, "{archived} are archived");
        server.kill().await;
        archived = count(&world, "archived_reservas");
        assert_eq!(archived + count(&world, "reservas"), REQUESTS);
    }
    client.sees("server1", "offline").await;
    let server = server_with_failpoints(&world, &[age]).await;
    server.ready().await;
    client.sees("server1", "online").await;
    assert_eq!(listed(&server).await, before);
    for (key, body, first) in asked {
        assert_eq!(client.reservar_once(&key, &body).await.json, first, "{key}");
    }
}

/// The failpoints are in the programs that are built for tests, and in no others.
#[tokio::test]
async fn the_shipped_programs_have_no_failpoints() {
    for (name, hooks) in [
        ("server", &[][..]),
        ("client", &[]),
        (FAILPOINTS_SERVER, &["CRASH_AT", "SEEDED_BUG", "CLOCK_SPEED", "ARCHIVE_AGE_MILLIS"]),
        (FAILPOINTS_CLIENT, &["SEEDED_BUG"]),
    ] {
        let program = std::fs::read(path_of(name).await).expect("a program");
        for hook in ["CRASH_AT", "SEEDED_BUG", "CLOCK_SPEED", "ARCHIVE_AGE_MILLIS"] {
            let found = program.windows(hook.len()).any(|bytes| bytes == hook.as_bytes());
            assert_eq!(found, hooks.contains(&hook), "{hook} in {name}");
        }
    }
}
