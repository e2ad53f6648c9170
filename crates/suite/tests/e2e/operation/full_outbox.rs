//! More changes than a servidor may keep for a broker that is away.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::harness::{PlainClient, World, payload};

/// Each has two events when it ends, and the outbox holds 16,384 messages.
const RESERVAS: i64 = 9_000;

/// Copies the one reserva of a servidor that is stopped, to intervals of a second that have passed.
fn copy_into_the_past(database: &Connection) {
    let mut names =
        database.prepare("SELECT name FROM pragma_table_info('reservas')").expect("SQL");
    let names = names.query_map([], |row| row.get::<_, String>(0)).expect("columns");
    let names: Vec<String> = names.map(|name| name.expect("a name")).collect();
    let values: Vec<String> = names
        .iter()
        .map(|name| match name.as_str() {
            "id" => "id + n".to_owned(),
            "request_id" => "'copy-' || n".to_owned(),
            "inicio" => format!("inicio - 7200000 - ({RESERVAS} - n) * 1000"),
            "fim" => format!("inicio - 7200000 - ({RESERVAS} - n) * 1000 + 1000"),
            name => name.to_owned(),
        })
        .collect();
    let copy = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {RESERVAS})
         INSERT INTO reservas ({}) SELECT {} FROM reservas, numbers",
        names.join(", "),
        values.join(", ")
    );
    database.execute_batch(&copy).expect("the copies");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posto_whose_event_found_no_place_is_published_later() {
    let mut world = World::new().await;
    let (server, client) = world.pair().await;
    let made = client.reservar(&payload("AAA0001", 1)).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert!(server.stop().await.success());
    world.broker.kill().await;
    let database = Connection::open(world.database("server1")).expect("the database");
    copy_into_the_past(&database);
    drop(database);
    let server = world.server("server1").await;
    let is_full = || {
        let lines = server.log_lines();
        lines.iter().any(|line| line["message"] == "an event could not be published")
    };
    // Once a second it ends 512 of them.
    for _ in 0..60 {
        if !is_full() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert!(is_full(), "there is place for all");
    let body = json!({"disponivel": true, "em_manutencao": true});
    let changed = server.put("/postos/2/disponibilidade", &body).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    // By then the servidor has tried to publish it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    // It publishes nothing before somebody listens.
    server.freeze();
    world.broker.start_again().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &["pontos/2/status"]).await;
    server.thaw();
    assert_eq!(listener.next("pontos/2/status").await["em_manutencao"], json!(true));
    drop(client);
}
