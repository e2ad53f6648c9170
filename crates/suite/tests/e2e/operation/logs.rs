//! What the real programs log: each line alone says which program it is of, and why an answer was
//! what it was.

use std::collections::BTreeMap;

use protocol::Codigo;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Collector, Health, PlainClient, Program, World, eventually, payload, seed_payload,
};
use crate::traces::request::traced_pair;

/// The carros of this test.
const PLACAS: [&str; 4] = ["ABC1234", "XYZ9876", "QQQ0A00", "WWW0W00"];

type Check = fn(&Value) -> bool;

/// Every field that a line may have, with what it must be.
const FIELDS: &[(&str, Check)] = &[
    ("timestamp", Value::is_string),
    ("level", |level| ["INFO", "WARN", "ERROR"].iter().any(|one| level == one)),
    ("target", Value::is_string),
    ("message", |message| message.as_str().is_some_and(|text| !text.is_empty())),
    ("service", |service| service == "server" || service == "client"),
    ("server_id", is_id),
    ("client_id", is_id),
    ("mqtt_id", Value::is_string),
    ("request_id", Value::is_string),
    ("reserva_request_id", Value::is_string),
    ("x_request_id", Value::is_string),
    ("trace_id", |id| id.as_str().is_some_and(|id| id.len() == 32)),
    ("endpoint", Value::is_string),
    ("spans", Value::is_u64),
    ("codigo", is_codigo),
    ("quem", Value::is_string),
    ("caller", Value::is_string),
    ("command", |command| command.as_str().is_some_and(|path| path.starts_with("postos/"))),
    ("entrega", |entrega| entrega == "difusao" || entrega == "direta"),
    ("method", Value::is_string),
    ("route", |route| route.as_str().is_some_and(|path| !path.contains("1234"))),
    ("topic", Value::is_string),
    ("broker", Value::is_string),
    ("addr", Value::is_string),
    ("path", Value::is_string),
    ("database", Value::is_string),
    ("reason", Value::is_string),
    ("error", Value::is_string),
    ("signal", Value::is_string),
    ("disponivel", Value::is_boolean),
    ("status", Value::is_u64),
    ("duration_ms", Value::is_number),
    ("port", Value::is_u64),
    ("generation", Value::is_u64),
    ("attempts", Value::is_u64),
    ("bytes", Value::is_u64),
    ("pending", Value::is_u64),
    ("tokens", Value::is_u64),
    ("postos", Value::is_u64),
    ("posto_id", Value::is_u64),
    ("reserva_id", Value::is_u64),
    ("carregamento_id", Value::is_u64),
    ("reservas", Value::is_u64),
    ("carregamentos", Value::is_u64),
    ("recusas", Value::is_u64),
    ("carros", Value::is_u64),
];

fn is_id(id: &Value) -> bool {
    id.as_str().is_some_and(|id| id.parse::<protocol::ServerId>().is_ok())
}

fn is_codigo(codigo: &Value) -> bool {
    Codigo::ALL.iter().any(|one| serde_json::to_value(one).ok().as_ref() == Some(codigo))
}

/// Checks a line of the program that this field names.
fn check(line: &str, (id_field, id): (&str, &str)) {
    let fields: BTreeMap<String, Value> = serde_json::from_str(line).expect(line);
    for (name, value) in &fields {
        let known = FIELDS.iter().find(|(known, _)| known == name);
        let (_, is_right) = known.unwrap_or_else(|| panic!("unknown field {name} in {line}"));
        assert!(is_right(value), "{name} in {line}");
        let key = format!("\"{name}\":");
        assert_eq!(line.matches(&key).count(), 1, "{name} comes twice in {line}");
    }
    for name in ["timestamp", "level", "target", "message", "service"] {
        assert!(fields.contains_key(name), "{name} is missing in {line}");
    }
    assert_eq!(fields[id_field], id, "{line}");
    let written = line.to_uppercase().replace("%41", "A").replace(['-', ' '], "");
    for placa in PLACAS {
        assert!(!written.contains(placa), "a placa in {line}");
    }
    assert!(!line.contains("BYD"), "a body in {line}");
}

/// The one line that says how an exchange was answered.
async fn answered(program: &Program, x_request_id: &str) -> Value {
    let find = || {
        let lines = program.log_lines().into_iter();
        lines.filter(|line| line["x_request_id"] == x_request_id).collect::<Vec<_>>()
    };
    eventually("a line says how it was answered", async || !find().is_empty()).await;
    let mut lines = find();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

async fn named(program: &Program, name: &str, path: &str, body: Option<&Value>) -> Answer {
    let request = match body {
        Some(body) => program.request(reqwest::Method::POST, path).json(body),
        None => program.request(reqwest::Method::GET, path),
    };
    let answer = request.header("X-Request-Id", name).send().await.expect("an answer");
    assert_eq!(answer.headers()["x-request-id"], name);
    let status = answer.status().as_u16();
    Answer { status, json: answer.json().await.expect("JSON") }
}

/// Sends what servidores and gateways are sent, and what they should not be.
async fn all_kinds_of_traffic(world: &World, server: &Program, client: &Program) {
    for path in [
        "/carros/ABC1234",
        "/carros/abc-1234",
        "/carros/%41BC1234",
        "//carros/ABC1234",
        "/carros/ABC1234/x",
        "/nope/ABC1234?placa=ABC1234",
        "/carros",
        "/carros?apos=ABC1234",
        "/carros?apos=ABC1234&apos=XYZ9876",
        "/reservas?placa=abc-1234",
        "/reservas?placa=ABC1234&x=XYZ9876",
        "/reservas.csv?placa=ABC1234",
        "/carregamentos.csv?placa=XYZ9876",
        "/reservas/1",
        "/reservas/ABC1234",
        "/postos/99",
        "/postos?disponivel=x",
        "/auditoria?quem=ABC1234",
    ] {
        server.get(path).await;
    }
    for path in ["/carros/ABC1234", "/carros/WWW0W00", "/carros/qqq-0a00-x", "/tokens/ABC1234"] {
        server.delete(path).await;
    }
    for program in [server, client] {
        for head in ["GET /carros/ABC1234 HTTP/9.9", "GET /carros/ABC1234?placa=XYZ9876", "ABC1234"]
        {
            program.send_raw(&format!("{head}\r\nX-Placa: ABC1234\r\n\r\n")).await;
        }
    }
    server.post("/postos/1/carregamentos", &json!({"placa": "QQQ0A00"})).await;
    server.post("/postos/1/carregamentos", &json!({"placa": "QQQ0A00", "inicio": "x"})).await;
    client.get("/postos?server_id=server1&tipo_conector=\"XYZ9876\"").await;
    client.post("/reservar", &json!({"placa": ["ABC1234"], "modelo": "BYD Dolphin"})).await;
    let app = PlainClient::subscribe(world, "app1", &[]).await;
    let origin = json!({"request_id": "r1", "client_id": "app1", "server_id": "server1"});
    for (topic, payload) in [
        ("carros/ABC1234/status", "{".to_owned()),
        ("server/server1/carros/ABC1234/status", "{".to_owned()),
        ("server/server1/carros/abc-1234/bateria", "{".to_owned()),
        ("server/server1/carros/ABC1234/x", "{}".to_owned()),
        ("carros/ABC1234/x", "{}".to_owned()),
        (
            "server/postos/reserva",
            json!({"request_id": "r2", "client_id": "app1", "server_id": "server1",
            "carro": {"placa": "ABC1234 XYZ9876", "modelo": "BYD"}, "posto_id": "WWW0W00"})
            .to_string(),
        ),
        ("server/server1/postos/reserva", format!("[{origin}, \"ABC1234\"]")),
        ("carros/ABC1234/bateria", json!({"placa": "XYZ9876", "nivel_bateria": 5}).to_string()),
        ("carros/WWW0W00/status", json!({"placa": "WWW0W00", "nivel_bateria": "BYD"}).to_string()),
        ("server/postos/reserva", origin.to_string()),
        ("server/postos/reserva", "[]".to_owned()),
        ("pontos/5/disponibilidade", json!({"ponto_id": 5}).to_string()),
        ("server/server7/status", "\"ABC1234\"".to_owned()),
        ("client/cliente1/postos/response", "\"ABC1234\"".to_owned()),
    ] {
        app.publish(topic, payload).await;
    }
    let charger = json!({"server_id": "server1", "ponto_id": 5, "disponivel": false});
    app.publish("pontos/5/disponibilidade", &charger).await;
    eventually("the charger's message is stored", async || {
        server.log_lines().iter().any(|line| line["message"] == "charger message stored")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_names_its_program_and_says_why() {
    let mut world = World::new().await;
    // With all that a line may have of traces, and what is logged of a collector.
    let collector = Collector::start(Health::Failing).await;
    let (server, client) = traced_pair(&world, &collector, &[]).await;
    let made = named(&client, "reserved", "/reservar", Some(&seed_payload())).await;
    let id = made.request_id();
    let consulted = format!("/reservas/{id}?server_id=server1");
    let mut elsewhere = seed_payload();
    elsewhere["server_id"] = json!("server7");
    for (name, path, body, verdict) in [
        ("held", "/reservar", Some(payload("XYZ9876", 5)), (409, "posto_reservado")),
        ("missing", "/reservar", Some(payload("XYZ9876", 99)), (404, "posto_inexistente")),
        ("wrong", "/reservar", Some(json!({})), (422, "requisicao_invalida")),
        ("offline", "/reservar", Some(elsewhere), (503, "servidor_indisponivel")),
        ("unknown", "/nope", None, (404, "rota_inexistente")),
        ("consulted", &consulted, None, (200, "")),
        ("listed", "/postos?server_id=server1", None, (200, "")),
    ] {
        let answer = named(&client, name, path, body.as_ref()).await;
        assert_eq!(answer.verdict(), verdict, "{name}: {answer:?}");
        let line = answered(&client, name).await;
        assert_eq!(line["status"], verdict.0, "{line}");
        assert_eq!(line["codigo"].as_str().unwrap_or_default(), verdict.1, "{line}");
        assert_eq!(line["request_id"], answer.json["request_id"], "{line}");
        let target = match name {
            "offline" => json!("server7"),
            "wrong" | "unknown" => json!(null),
            _ => json!("server1"),
        };
        assert_eq!(line["server_id"], target, "{line}");
    }
    let removed = named(&server, "admin", "/postos/99", None).await;
    assert_eq!(removed.verdict(), (404, "posto_inexistente"));
    assert_eq!(answered(&server, "admin").await["codigo"], "posto_inexistente");
    let reserved = answered(&client, "reserved").await;
    assert_eq!(reserved["request_id"], json!(id));
    let of_trace = |line: &Value| line["trace_id"] == reserved["trace_id"];
    eventually("both programs log the trace", async || {
        reserved["trace_id"].is_string() && server.log_lines().iter().any(of_trace)
    })
    .await;
    eventually("the servidor names the command", async || {
        server.log_lines().iter().any(|line| line["request_id"] == json!(id))
    })
    .await;

    all_kinds_of_traffic(&world, &server, &client).await;
    world.broker.kill().await;
    eventually("the broker is missed", async || client.get("/readyz").await.status == 503).await;
    let refused = named(&client, "cut-off", "/reservar", Some(&seed_payload())).await;
    assert_eq!(refused.verdict(), (503, "broker_indisponivel"));
    world.broker.start_again().await;
    client.sees("server1", "online").await;
    server.signal("-HUP");
    let cancel = format!("/reservas/{id}/cancelar?server_id=server1");
    // The presence may be from before the broker was away, and the servidor not back yet.
    let cancelled = async || client.post(&cancel, &json!(null)).await.status == 200;
    eventually("the reserva is cancelled", cancelled).await;
    for (program, id) in [(client, ("client_id", "cliente1")), (server, ("server_id", "server1"))] {
        let log = program.log.clone();
        assert!(program.stop().await.success());
        let text = std::fs::read_to_string(log).expect("its log");
        assert!(text.lines().count() > 20, "{text}");
        text.lines().for_each(|line| check(line, id));
        assert!(text.contains("\"duration_ms\":"), "{text}");
    }
}
