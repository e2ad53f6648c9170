//! `/metrics` of the real programs: the figures against what was done, and what a scrape costs others.

use std::ffi::OsStr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;

use crate::harness::{Program, World, eventually, free_port, path_of, payload, run_subcommand};

const ON: [(&str, &str); 1] = [("METRICS_ADDR", "127.0.0.1:0")];
const DOCUMENTED: &str = include_str!("../../../../../docs/operating.md");

/// A servidor and a gateway that answer scrapes.
async fn pair(world: &World) -> (Program, Program) {
    world.pair_with(&ON, &ON).await
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_what_was_done() {
    let world = World::new().await;
    let (server, client) = pair(&world).await;
    for posto_id in 1..=7 {
        let made = client.reservar(&payload(&format!("AAA000{posto_id}"), posto_id)).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
    for placa in ["BBB0001", "BBB0002"] {
        let refused = client.reservar(&payload(placa, 1)).await;
        assert_eq!(refused.verdict(), (409, "posto_reservado"));
    }
    assert_eq!(client.reservar(&json!({})).await.status, 422);
    let gone = client.reservar(&json!({"server_id": "server9"})).await;
    assert_eq!(gone.status, 422, "{gone:?}");

    let scrape = client.scrape().await;
    let requests = |status: &str, codigo: &str| {
        let labels =
            [("route", "/reservar"), ("method", "POST"), ("status", status), ("codigo", codigo)];
        scrape.value("postos_http_requests_total", &labels)
    };
    let counted = [("200", ""), ("409", "posto_reservado"), ("422", "requisicao_invalida")];
    assert_eq!(counted.map(|(status, codigo)| requests(status, codigo)), [7.0, 2.0, 2.0]);
    let of_route = [("route", "/reservar"), ("method", "POST")];
    assert_eq!(scrape.value("postos_http_request_duration_seconds_count", &of_route), 11.0);
    let in_time = [("route", "/reservar"), ("method", "POST"), ("le", "10")];
    assert_eq!(scrape.value("postos_http_request_duration_seconds_bucket", &in_time), 11.0);
    let command = ("command", "postos/reserva");
    let answered =
        scrape.value("postos_gateway_commands_total", &[command, ("outcome", "answered")]);
    assert_eq!(answered, 9.0);
    assert_eq!(scrape.value("postos_gateway_reply_seconds_count", &[command]), 9.0);
    assert_eq!(scrape.value("postos_gateway_servidores", &[("status", "online")]), 1.0);
    assert_eq!(scrape.value("postos_bus_link_up", &[]), 1.0);
    assert!(scrape.value("postos_bus_acknowledged_total", &[]) >= 9.0);
    assert!(scrape.value("postos_bus_puback_seconds_count", &[]) >= 9.0);

    let scrape = server.scrape().await;
    let handled =
        |codigo| scrape.value("postos_servidor_commands_total", &[command, ("codigo", codigo)]);
    assert_eq!((handled(""), handled("posto_reservado")), (7.0, 2.0));
    assert_eq!(scrape.value("postos_reservas_made_total", &[]), 7.0);
    for status in ["cancelada", "encerrada", "nao_compareceu"] {
        assert_eq!(scrape.value("postos_reservas_ended_total", &[("status", status)]), 0.0);
    }
    assert_eq!(scrape.value("postos_writer_writable", &[]), 1.0);
    assert_eq!(scrape.value("postos_bus_presence_seen", &[]), 1.0);
    // A batch is counted before it is written, its transaction afterwards.
    eventually("each batch has its transaction", async || {
        let scrape = server.scrape().await;
        let batches = scrape.value("postos_writer_batch_commands_count", &[]);
        scrape.value("postos_writer_transaction_seconds_count", &[]) == batches
    })
    .await;
    assert!(scrape.value("postos_writer_batch_commands_sum", &[]) >= 9.0);
    server.counts("postos_reservas", &[("status", "ativa")], 7.0).await;
    let states = |state| [("state", state)];
    server.counts("postos_postos", &states("held"), 7.0).await;
    server.counts("postos_postos", &states("free"), 13.0).await;
    let mut later = payload("AAA0008", 8);
    let in_days = |days: u64| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let at = i64::try_from((now.as_secs() + days * 86_400) * 1000).expect("a moment");
        json!(protocol::Timestamp::clamped(at).to_string())
    };
    (later["inicio"], later["fim"]) = (in_days(2), in_days(3));
    assert_eq!(client.reservar(&later).await.status, 200);
    server.counts("postos_reservas", &[("status", "ativa")], 8.0).await;
    server.counts("postos_postos", &states("held"), 7.0).await;
    assert!(server.stop().await.success());
    let offline = [("status", "offline")];
    client.counts("postos_gateway_servidores", &offline, 1.0).await;
    let refused = client.reservar(&payload("CCC0001", 9)).await;
    assert_eq!(refused.verdict(), (503, "servidor_indisponivel"));
    client.counts("postos_gateway_commands_total", &[command, ("outcome", "refused")], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_what_they_cost_add_up_as_decimals() {
    let world = World::new().await;
    let (server, client) = pair(&world).await;
    let made = client.reservar(&payload("AAA0001", 1)).await;
    assert_eq!(made.status, 200, "{made:?}");
    for (posto_id, placa, energia) in
        [(1, "AAA0001", 0.1), (2, "AAA0002", 0.2), (3, "AAA0003", 12.345)]
    {
        let path = format!("/postos/{posto_id}/carregamentos");
        let started = server.post(&path, &json!({"placa": placa})).await;
        assert_eq!(started.status, 201, "{started:?}");
        if posto_id == 1 {
            server.counts("postos_sessions_open", &[], 1.0).await;
            server.counts("postos_postos", &[("state", "charging")], 1.0).await;
            server.counts("postos_reservas", &[("status", "cumprida")], 1.0).await;
        }
        let end = format!("{path}/{}", started.json["id"]);
        let body = json!({"energia_fornecida": energia, "confirmado": true});
        for _ in 0..2 {
            assert_eq!(server.put(&end, &body).await.status, 200);
        }
    }
    let scrape = server.scrape().await;
    assert_eq!(scrape.value("postos_sessions_ended_total", &[]), 3.0, "each once");
    assert_eq!(scrape.value("postos_energy_kwh_total", &[]), 12.645);
    assert_eq!(scrape.value("postos_revenue_brl_total", &[]), 0.25 + 0.5 + 30.86);
    let made = client.reservar(&payload("AAA0004", 4)).await;
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
    for _ in 0..2 {
        assert_eq!(client.post(&cancel, &json!({})).await.status, 200);
    }
    server.counts("postos_reservas_ended_total", &[("status", "cancelada")], 1.0).await;
    let body = json!({"disponivel": false, "em_manutencao": true});
    assert_eq!(server.put("/postos/5/disponibilidade", &body).await.status, 200);
    let body = json!({"disponivel": false});
    assert_eq!(server.put("/postos/6/disponibilidade", &body).await.status, 200);
    server.counts("postos_postos", &[("state", "maintenance")], 1.0).await;
    server.counts("postos_postos", &[("state", "out_of_service")], 1.0).await;
    server.counts("postos_postos", &[("state", "free")], 18.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_caller_can_make_more_series() {
    let world = World::new().await;
    let (server, client) = pair(&world).await;
    let hostile = async |program: &Program, number: u32| {
        let http = reqwest::Client::new();
        let method = Method::from_bytes(format!("M{number}").as_bytes()).expect("a method");
        for path in [
            format!("/x{number}"),
            format!("/postos/{number}"),
            format!("/reservas/r{number}?server_id=s{number}"),
        ] {
            let host = format!("h{number}.example");
            let request = http.request(method.clone(), program.url(&path)).header("host", &host);
            request.send().await.expect("an answer");
            let request = http.get(program.url(&path)).header("host", host).bearer_auth(number);
            request.header("x-request-id", number.to_string()).send().await.expect("an answer");
        }
        program.send_raw(&format!("M{number} /y{number} HTTP/1.1\r\n\r\n")).await;
        program.send_raw(&format!("\u{1}{number}\r\n\r\n")).await;
    };
    for program in [&server, &client] {
        // As many as are answered until wrong tokens slow their address.
        for number in 0..30 {
            hostile(program, number).await;
        }
        let before = program.scrape().await;
        for number in 30..90 {
            hostile(program, number).await;
        }
        let after = program.scrape().await;
        let new: Vec<_> =
            after.series.keys().filter(|key| !before.series.contains_key(key)).collect();
        assert!(new.is_empty(), "{new:?}");
        assert!(after.series.len() < 2_000, "{}", after.series.len());
        assert!(after.value("postos_http_refused_total", &[]) >= 90.0);
        let unknown = [("route", "unknown"), ("method", "other")];
        assert!(after.value("postos_http_requests_total", &unknown) >= 60.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_waits_for_no_writer() {
    let world = World::new().await;
    let (server, client) = pair(&world).await;
    let database = Connection::open(world.database("server1")).expect("the database");
    database.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let waiting = tokio::spawn(async move { client.reservar(&payload("AAA0001", 1)).await });
    eventually("a command waits for the writer", async || {
        let started = Instant::now();
        let scrape = server.scrape().await;
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        scrape.value("postos_writer_queue_commands", &[]) >= 2.0
    })
    .await;
    let scrape = server.scrape().await;
    assert_eq!(scrape.value("postos_reservas_made_total", &[]), 0.0);
    assert_eq!(scrape.value("postos_postos", &[("state", "free")]), 20.0);
    database.execute_batch("ROLLBACK").expect("it is open");
    assert_eq!(waiting.await.expect("an answer").status, 200);
    server.counts("postos_reservas_made_total", &[], 1.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_backup_is_known() {
    let world = World::new().await;
    let (server, _client) = pair(&world).await;
    let last = async || server.scrape().await.value("postos_backup_last_timestamp_seconds", &[]);
    assert_eq!(last().await, 0.0);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let before = now().as_secs_f64().floor();
    let id = [("SERVER_ID", "server1")];
    let made = run_subcommand("server", world.folder(), &["backup", "copy.db"], id).await;
    assert!(made.status.success(), "{made:?}");
    assert!((before..=now().as_secs_f64()).contains(&last().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_but_metrics_at_their_address() {
    let world = World::new().await;
    let (server, client) = pair(&world).await;
    for program in [&server, &client] {
        let url = program.metrics_url();
        let http = reqwest::Client::new();
        let head = http.head(&url).send().await.expect("an answer");
        assert_eq!(head.status(), 200);
        for (method, path, status, codigo) in [
            (Method::GET, "/", 404, "rota_inexistente"),
            (Method::GET, "/postos", 404, "rota_inexistente"),
            (Method::POST, "/metrics", 405, "metodo_nao_permitido"),
            (Method::OPTIONS, "/metrics", 405, "metodo_nao_permitido"),
        ] {
            let url = url.replace("/metrics", path);
            let answer = http.request(method, &url).send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{url}");
            let body: serde_json::Value = answer.json().await.expect("JSON");
            assert_eq!((&body["status"], &body["codigo"]), (&json!("erro"), &json!(codigo)));
        }
        assert_eq!(program.get("/metrics").await.verdict(), (404, "rota_inexistente"));
    }
    let url = server.metrics_url();
    let stopped = tokio::spawn(server.stop());
    assert!(stopped.await.expect("it stops").success());
    reqwest::get(&url).await.expect_err("nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_used_ends_the_start_with_one_line() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", free_port())).expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let in_use = format!("METRICS_ADDR is {taken}, and nothing can listen there");
    for (name, id) in [("server", "SERVER_ID"), ("client", "MQTT_CLIENT_ID")] {
        for (value, expected) in
            [("9464", "METRICS_ADDR is \"9464\"; it should be an address"), (&taken, &in_use)]
        {
            let mut command = tokio::process::Command::new(path_of(name).await);
            command.env_clear().current_dir(world.folder()).kill_on_drop(true);
            command.env(id, "one").env("HTTP_ADDR", "127.0.0.1:0");
            let ended =
                command.env("METRICS_ADDR", OsStr::new(value)).output().await.expect("it ends");
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(2), "{stderr}");
            assert!(stderr.starts_with(expected) && stderr.lines().count() == 1, "{stderr}");
        }
    }
}

/// The names in the tables of docs/operating.md.
fn documented() -> std::collections::BTreeSet<String> {
    let (_, section) = DOCUMENTED.split_once("\n## Metrics\n").expect("a section");
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented_and_exists() {
    let world = World::new().await;
    let (server, client) = pair(&world).await;
    // What has labels has no series before it was counted once.
    assert_eq!(client.reservar(&payload("AAA0001", 1)).await.status, 200);
    let made = client.reservar(&payload("AAA0002", 2)).await;
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
    assert_eq!(client.post(&cancel, &json!({})).await.status, 200);
    assert_eq!(client.get("/postos?server_id=server1").await.status, 200);
    let stream = reqwest::get(client.url("/eventos")).await.expect("an answer");
    let mut found = server.scrape().await.types;
    found.extend(client.scrape().await.types);
    drop(stream);
    let found: std::collections::BTreeSet<String> = found.into_keys().collect();
    assert_eq!(documented(), found);
}
