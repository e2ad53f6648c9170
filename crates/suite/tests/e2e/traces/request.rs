//! One trace for one request, through both programs and the broker.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Client5, Collector, Health, PlainClient, Program, Span, World, eventually, payload,
    seed_payload,
};

pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLER: &str = "00f067aa0ba902b7";
/// The command of the seed and its answer, as spans name them.
pub(crate) const RESERVA: &str = "postos/reserva";

/// Every span of a reservation through a gateway, with the name of its parent.
const RESERVATION: [(&str, &str); 9] = [
    ("POST /reservar", ""),
    ("call postos/reserva", "POST /reservar"),
    ("publish postos/reserva", "call postos/reserva"),
    ("process postos/reserva", "publish postos/reserva"),
    ("queue", "process postos/reserva"),
    ("transaction", "process postos/reserva"),
    ("commit", "transaction"),
    ("publish postos/reserva/response", "process postos/reserva"),
    ("receive postos/reserva/response", "publish postos/reserva/response"),
];

/// Spans are exported soon after they end.
pub(crate) async fn traced_pair(
    world: &World,
    collector: &Collector,
    of_client: &[(&str, &str)],
) -> (Program, Program) {
    let endpoint = collector.endpoint();
    let traced = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    world.pair_with(&traced, &[&traced, of_client].concat()).await
}

pub(crate) fn traceparent(trace_id: &str) -> String {
    format!("00-{trace_id}-{CALLER}-01")
}

pub(crate) async fn traced(
    program: &Program,
    method: Method,
    path: &str,
    body: Option<&Value>,
    traceparent: &str,
) -> Answer {
    let mut request = program.request(method, path).header("traceparent", traceparent);
    if let Some(body) = body {
        request = request.json(body);
    }
    Answer::of(request).await
}

/// Checks that a trace has exactly the spans of one reservation, and who is whose parent.
pub(crate) fn check_reservation(spans: &[Span], caller: &str) -> BTreeMap<String, Span> {
    let by_name: BTreeMap<_, _> =
        spans.iter().map(|span| (span.name.clone(), span.clone())).collect();
    let expected: BTreeSet<_> = RESERVATION.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names: BTreeSet<_> = by_name.keys().cloned().collect();
    assert_eq!((names, spans.len()), (expected, RESERVATION.len()), "{spans:#?}");
    for (name, parent) in RESERVATION {
        let parent = if parent.is_empty() { caller } else { &by_name[parent].span_id };
        assert_eq!(by_name[name].parent, parent, "the parent of {name}");
    }
    by_name
}

pub(crate) async fn reservation(collector: &Collector, trace_id: &str) -> Vec<Span> {
    collector.wait_for(trace_id, &RESERVATION.map(|(name, _)| (name, 1))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reservation_is_one_trace_from_the_caller_to_the_commit_and_back() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let (server, client) = traced_pair(&world, &collector, &[]).await;
    let body = seed_payload();
    let answer =
        traced(&client, Method::POST, "/reservar", Some(&body), &traceparent(TRACE_ID)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let spans = check_reservation(&reservation(&collector, TRACE_ID).await, CALLER);

    for (name, span) in &spans {
        assert!(span.start <= span.end && !span.has_failed, "{span:?}");
        let is_gateways =
            RESERVATION[..3].iter().any(|(known, _)| known == name) || name.starts_with("receive");
        let expected = match is_gateways {
            true => ("postos-client", "cliente1"),
            false => ("postos-server", "server1"),
        };
        assert_eq!(span.program(), expected, "{name}");
    }
    let [http, call, sent, work, queue, transaction, commit, replied, received] =
        RESERVATION.map(|(name, _)| &spans[name]);
    for (inner, outer) in [
        (call, http),
        (queue, work),
        (transaction, work),
        (commit, transaction),
        (received, call),
        (work, call),
    ] {
        assert!(inner.is_within(outer), "{} within {}: {spans:#?}", inner.name, outer.name);
    }
    assert!(sent.start <= work.start && replied.start <= received.start, "{spans:#?}");
    assert_eq!(queue.end, transaction.start);
    assert!(commit.end <= replied.start, "it is answered after the commit");
    for published in [sent, replied] {
        let [(name, at)] = &published.events[..] else { panic!("{published:?}") };
        assert!(name == "sent" && (published.start..=published.end).contains(at), "{published:?}");
    }

    let request_id = answer.request_id();
    for span in [http, call, sent, work, replied, received] {
        assert_eq!(span.attributes["request_id"], request_id, "{span:?}");
    }
    let has = |span: &Span, key: &str, value: &str| {
        assert_eq!(span.attributes.get(key).map(String::as_str), Some(value), "{span:?}");
    };
    has(http, "http.request.method", "POST");
    has(http, "http.route", "/reservar");
    has(http, "http.response.status_code", "200");
    has(http, "server_id", "server1");
    has(sent, "messaging.system", "mqtt");
    has(sent, "messaging.destination.name", "server/postos/reserva");
    has(transaction, "db.operation.batch.size", "1");
    assert_eq!(work.resource["server_id"], "server1");
    assert_eq!(http.resource["client_id"], "cliente1");

    for (program, message) in [(&client, "answered"), (&server, "reserved")] {
        let mut line = Value::Null;
        eventually("it is logged", async || {
            let lines = program.log_lines();
            let found = lines.into_iter().find(|line| line["request_id"] == request_id);
            line = found.unwrap_or_default();
            !line.is_null()
        })
        .await;
        assert_eq!((&line["message"], &line["trace_id"]), (&json!(message), &json!(TRACE_ID)));
        if message == "answered" {
            assert_eq!(line["x_request_id"], http.attributes["x_request_id"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_calls_are_traced_too_and_no_span_has_anything_of_a_person() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let (server, client) = traced_pair(&world, &collector, &[]).await;
    let token = server.token().expect("a token").to_owned();
    let made = client.reservar(&seed_payload()).await;
    let request_id = made.request_id();
    let reserva = format!("/reservas/{request_id}?server_id=server1");
    let cancelar = format!("/reservas/{request_id}/cancelar?server_id=server1");
    let fim = json!({"fim": made.json["reserva"]["fim"]});
    let id = |number: u32| format!("{number:032x}");
    let calls = [
        (&client, Method::GET, "/postos?server_id=server1", None, "publish postos/response", 200),
        (
            &client,
            Method::POST,
            "/estimativa",
            Some(seed_payload()),
            "process postos/estimativa",
            200,
        ),
        (&client, Method::GET, &*reserva, None, "process postos/reserva/consulta", 200),
        (&client, Method::PATCH, &*reserva, Some(fim), "process postos/reserva/alteracao", 200),
        (&client, Method::POST, &*cancelar, None, "publish reservas/status", 200),
        (&server, Method::GET, "/carros/ABC1234", None, "GET /carros/{placa}", 200),
        (&server, Method::DELETE, "/postos/9", None, "commit", 204),
        (
            &client,
            Method::POST,
            "/reservar",
            Some(payload("ABC1234", 999)),
            "call postos/reserva",
            404,
        ),
        (&client, Method::GET, "/ABC1234", None, "GET", 404),
    ];
    for (number, (program, method, path, body, name, status)) in (1..).zip(calls) {
        let parent = traceparent(&id(number));
        let answer = traced(program, method.clone(), path, body.as_ref(), &parent).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let spans = collector.wait_for(&id(number), &[(name, 1)]).await;
        assert!(!spans.is_empty());
    }
    let refused = collector.wait_for(&id(8), &[("POST /reservar", 1), ("queue", 1)]).await;
    for name in ["POST /reservar", "call postos/reserva", "process postos/reserva"] {
        let span = refused.iter().find(|span| span.name == name).expect(name);
        assert_eq!(span.attributes["codigo"], "posto_inexistente");
        assert!(!span.has_failed, "it is the caller's fault: {span:?}");
    }
    client.get("/healthz").await;
    for span in collector.spans() {
        assert!(!span.name.contains("health") && !span.name.contains("ready"), "{span:?}");
        let written = format!("{span:?}").to_uppercase();
        for secret in ["ABC1234", "ABC-1234", "BYD", &token.to_uppercase()] {
            assert!(!written.contains(secret), "{secret} in {span:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_travel_as_one_array_keep_each_its_own_trace() {
    const CALLERS: u32 = 64;
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    world.seed_postos("server1", CALLERS as usize);
    let (_server, client) = traced_pair(&world, &collector, &[("MQTT_ENTREGA", "direta")]).await;
    let topics = ["server/server1/postos/reserva", "client/cliente1/postos/reserva/response"];
    let mut listener = Client5::subscribe(&world, "listener", &topics).await;
    let id = |number: u32| format!("{number:032x}");
    let url = client.url("/reservar");
    let http = reqwest::Client::new();
    let calls: Vec<_> = (1..=CALLERS)
        .map(|number| {
            let body = payload(&format!("AAA{number:04}"), number.into());
            let request = http.post(&url).header("traceparent", traceparent(&id(number)));
            tokio::spawn(request.json(&body).send())
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("a task").expect("an answer").status(), 200);
    }
    let mut arrays = 0;
    let mut seen = BTreeMap::new();
    while seen.values().sum::<usize>() < 2 * CALLERS as usize {
        let (topic, traceparents) = listener.next_traceparents().await;
        arrays += usize::from(traceparents.len() > 1);
        *seen.entry(topic).or_default() += traceparents.len();
    }
    assert!(arrays > 0, "no array was sent: {seen:?}");
    let mut request_ids = BTreeSet::new();
    for number in 1..=CALLERS {
        let spans = check_reservation(&reservation(&collector, &id(number)).await, CALLER);
        let of_request: BTreeSet<_> =
            spans.values().filter_map(|span| span.attributes.get("request_id")).collect();
        assert_eq!(of_request.len(), 1, "{spans:#?}");
        request_ids.extend(of_request.into_iter().cloned());
    }
    assert_eq!(request_ids.len(), CALLERS as usize);
}

pub(crate) fn command(request_id: &str, posto_id: i64) -> Value {
    json!({"request_id": request_id, "client_id": "app1", "server_id": "server1",
        "carro": {"placa": format!("CCC{posto_id:04}"), "modelo": "BYD Dolphin",
            "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19},
        "posto_id": posto_id})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_a_trace_that_can_be_read_begins_one() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let (_server, _client) = traced_pair(&world, &collector, &[]).await;
    let reply = "client/app1/postos/reserva/response";
    let mut plain = PlainClient::subscribe(&world, "app1", &[reply]).await;
    let newer = Client5::subscribe(&world, "app2", &[]).await;
    let topic = "server/server1/postos/reserva";
    plain.publish("server/postos/reserva", command("plain", 1)).await;
    newer.publish(topic, command("malformed", 2), &[("traceparent", "00-1-2-01")]).await;
    let valid = traceparent(TRACE_ID);
    let two = [("traceparent", &*valid), ("traceparent", &*valid)];
    newer.publish(topic, command("more-than-items", 3), &two).await;
    newer.publish(topic, command("valid", 4), &two[..1]).await;
    for _ in 0..4 {
        assert_eq!(plain.next(reply).await["status"], "sucesso");
    }
    collector.wait_for(TRACE_ID, &[("process postos/reserva", 1), ("commit", 1)]).await;
    let is_begun = |spans: &[Span], request_id: &str| {
        spans.iter().any(|span| {
            let is_its = span.attributes.get("request_id").is_some_and(|id| id == request_id);
            is_its && span.name == "process postos/reserva"
        })
    };
    let ids = ["plain", "malformed", "more-than-items", "valid"];
    eventually("all are traced", async || ids.iter().all(|id| is_begun(&collector.spans(), id)))
        .await;
    for span in collector.spans().iter().filter(|span| span.name == "process postos/reserva") {
        let is_continued = span.attributes["request_id"] == "valid";
        assert_eq!(span.parent == CALLER, is_continued, "{span:?}");
        assert_eq!(span.trace_id == TRACE_ID, is_continued, "{span:?}");
        assert_eq!(span.parent.is_empty(), !is_continued, "{span:?}");
    }
}
