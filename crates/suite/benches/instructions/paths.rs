//! The paths whose instructions are counted.

use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use domain::{
    Holding, Interval, Moment, Placa, PostoFacts, Price, Rejection, Rules, Service, decide_reserva,
};
use futures_util::future::join_all;
use protocol::{
    Address, ReplyHead, RequestId, ReservaRequest, ReservarBody, read_body, read_json, to_payload,
};
use server::store::{Environment, Reserve, Store};
use service::{
    Access, CorsOrigins, Documentation, HttpMetrics, OptionalLayers, Routes, build_router,
};
use tokio::sync::mpsc;
use tower::ServiceExt as _;
use tracing::field::display;
use utoipa::openapi::OpenApi;

use super::samples;

/// 2026-11-23T12:00:00Z; any moment would do.
const NOW: i64 = 1_795_435_200_000;
const HOUR: i64 = 3_600_000;
/// Reservations that share a transaction.
const BATCH: i64 = 64;

const BODY: &[u8] = br#"{"placa":"ABC1234","modelo":"BYD Dolphin","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,"taxa_descarga":0.19,"posto_id":5,"server_id":"server1","inicio":"2026-11-24T12:00:00Z","fim":"2026-11-24T13:00:00Z"}"#;
const REPLY: &[u8] = br#"{"request_id":"0198c0de-7a1b-7000-8000-000000000001","status":"sucesso","mensagem":"O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234.","reserva":{"id":17,"posto_id":5,"placa":"ABC1234","inicio":"2026-11-24T12:00:00.000Z","fim":"2026-11-24T13:00:00.000Z","status":"ativa","desde":"2026-11-23T12:00:00.000Z","preco_kwh":2.5,"versao":1},"estimativa":{"energia_kwh":22.2,"minutos":61,"custo":55.5,"preco_kwh":2.5,"autonomia_km":117.4}}"#;

/// One step of a reservation.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    /// Runs the path this many times.
    pub(crate) run: fn(u64),
    /// Requests in one run of the path.
    pub(crate) requests: u64,
    /// Runs in one measurement; fewer where one takes long.
    pub(crate) times: u64,
}

pub(crate) const PATHS: [Path; 9] = [
    Path { name: "service: request through the layers", run: layers, requests: 1, times: 1_000 },
    Path { name: "service: log line of a request", run: log_line, requests: 1, times: 1_000 },
    Path { name: "protocol: HTTP body to command", run: body, requests: 1, times: 1_000 },
    Path { name: "protocol: command at its servidor", run: command, requests: 1, times: 1_000 },
    Path { name: "protocol: command of another", run: foreign, requests: 1, times: 1_000 },
    Path { name: "protocol: command of another in an array", run: items, requests: 64, times: 20 },
    Path { name: "protocol: reply at the gateway", run: reply, requests: 1, times: 1_000 },
    Path { name: "domain: decision beside 8 reservas", run: decision, requests: 1, times: 1_000 },
    Path { name: "store: reservation in a batch of 64", run: store, requests: 64, times: 8 },
];

fn command_payload() -> Vec<u8> {
    let body = read_body::<ReservarBody>(BODY).expect("a body");
    let request_id: RequestId = "0198c0de-7a1b-7000-8000-000000000001".parse().expect("an id");
    let command = body.into_request(request_id, "cliente1".parse().expect("an id"));
    to_payload(&ReservaRequest { listas: Some(true), ..command }).expect("JSON")
}

/// What every request passes, without a socket.
fn layers(times: u64) {
    let public = Router::new().route("/reservar", post(async |body: String| body));
    let routes = Routes { public, protected: Router::new() };
    let documentation =
        Documentation { operations: OpenApi::default(), document: OpenApi::default };
    let (cors, metrics, extras) =
        (CorsOrigins::Any, HttpMetrics::default(), OptionalLayers::default());
    let router =
        build_router(routes, &documentation, 64, &cors, Access::Everybody, metrics, extras);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for _ in 0..times {
            let request = Request::post("/reservar").body(Body::from(BODY)).expect("a request");
            black_box(router.clone().oneshot(request).await.expect("an answer"));
        }
    });
}

/// As in the programs, with the thread that writes the lines.
fn log_line(times: u64) {
    let lookup = |name: &str| (name == "RUST_LOG").then(|| "info".to_owned());
    let _logs = service::init_quiet_logs("client", &lookup).expect("logs");
    let request_id = Some(display("0198c0de-7a1b-7000-8000-000000000001"));
    let server_id = Some(display("server1"));
    for number in 0..times {
        tracing::info!(
            x_request_id = "0198c0de-7a1b-7000-8000-000000000002",
            request_id = black_box(&request_id),
            server_id = black_box(&server_id),
            quem = black_box(None::<&str>),
            method = "POST",
            route = "/reservar",
            status = black_box(200),
            codigo = black_box(None::<&str>),
            duration_ms = black_box(0.731 + number as f64 / 1e3),
            "answered"
        );
    }
}

fn body(times: u64) {
    for _ in 0..times {
        black_box(command_payload());
    }
}

fn command(times: u64) {
    let payload = command_payload();
    for _ in 0..times {
        black_box(Address::server_id(&payload).expect("an object"));
        black_box(read_json::<ReservaRequest>(&payload).expect("a command"));
    }
}

fn foreign(times: u64) {
    let payload = command_payload();
    for _ in 0..times {
        black_box(Address::server_id(&payload).expect("an object"));
    }
}

fn items(times: u64) {
    let item = command_payload();
    let array = format!("[{}]", vec![String::from_utf8_lossy(&item); 64].join(","));
    for _ in 0..times {
        let (items, _) = protocol::split_array(array.as_bytes()).expect("an array");
        for item in items {
            black_box(Address::server_id(item).expect("an object"));
        }
    }
}

fn reply(times: u64) {
    for _ in 0..times {
        let (replies, _) = protocol::split_array(REPLY).expect("a reply");
        black_box(ReplyHead::from_json(replies[0]).expect("a reply"));
    }
}

/// Placas in order, so that the count is the same in every run.
fn reservation(number: i64, begin: i64) -> Reserve {
    samples::reservation(number, &format!("B{number:07}"), begin)
}

fn decision(times: u64) {
    let asked = reservation(0, NOW + 100 * HOUR).command;
    let facts = PostoFacts {
        nome: "Ponto 1".to_owned(),
        service: Service::InService,
        charging: None,
        potencia_maxima: 22.0,
        preco_kwh: Price::default(),
    };
    let rules = Rules::default();
    let moment = |hours: i64| Moment::from_millis(NOW + hours * HOUR);
    let holding = |hour: i64| Holding {
        placa: Some(Placa::new("ABC1234").expect("a placa")),
        interval: Interval::new(moment(hour), moment(hour + 1)).expect("an hour"),
    };
    let holdings: Vec<Holding> = (1..=8).map(holding).collect();
    for _ in 0..times {
        let decided: Result<(Interval, &PostoFacts), Rejection> =
            decide_reserva(&asked, "server1", Some(&facts), &holdings, 0, &rules, moment(0));
        black_box(decided.expect("no reserva is in the way"));
    }
}

/// Whole batches on disk, on one thread besides those of the store.
fn store(times: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (changes, mut published) = mpsc::channel(64);
        let now = Arc::new(|| Moment::from_millis(NOW));
        let environment =
            Environment { server_id: "server1".to_owned(), now, rules: Rules::default(), changes };
        let opened = Store::open(&folder.path().join("store.db"), environment).await;
        let (store, closer) = opened.expect("a store");
        store.execute(samples::postos()).await.expect("postos");
        for batch in 0..i64::try_from(times).expect("a few") {
            let numbers = batch * BATCH..(batch + 1) * BATCH;
            let asked = numbers.map(|number| reservation(number, NOW + HOUR));
            for outcome in join_all(asked.map(|asked| store.execute(asked))).await {
                outcome.expect("the posto is free");
            }
            while published.try_recv().is_ok() {}
        }
        drop(store);
        closer.close().await.expect("it closes");
    });
}
