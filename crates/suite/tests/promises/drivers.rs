//! Simulated drivers' apps: each task sends a request, waits, records the call, and repeats.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use protocol::{KeyedCall, RequestId, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::history::{Call, Operation, Outcome, Window, now};

/// Windows begin and end on this grid, so that many touch, overlap and nest.
const GRID: i64 = 2_000;
/// How often a driver repeats a request of unknown outcome with the same key.
const MAX_REPEATS: usize = 4;
/// How many of the newest requests drivers choose from when they cancel or consult.
const MAX_KNOWN: usize = 64;

/// What all drivers of a run share.
pub(crate) struct Workload {
    pub(crate) gateways: Vec<String>,
    pub(crate) server_ids: Vec<String>,
    pub(crate) postos: i64,
    /// The longest pause of a driver between two calls.
    pub(crate) max_pause: Duration,
    seed: u64,
    history: Mutex<Vec<Call>>,
    known: Mutex<Vec<(String, String)>>,
    placas: AtomicU64,
}

impl Workload {
    pub(crate) fn new(seed: u64, gateways: Vec<String>, server_ids: &[&str], postos: i64) -> Self {
        Self {
            gateways,
            server_ids: server_ids.iter().map(|&id| id.to_owned()).collect(),
            postos,
            max_pause: Duration::from_millis(40),
            seed,
            history: Mutex::default(),
            known: Mutex::default(),
            placas: AtomicU64::new(0),
        }
    }

    pub(crate) fn into_history(self) -> Vec<Call> {
        self.history.into_inner().expect("no driver panicked")
    }

    fn record(&self, call: Call) {
        if let (Operation::Reserve { .. }, Some(request_id)) = (&call.operation, &call.request_id) {
            let mut known = self.known.lock().expect("no driver panicked");
            if known.len() == MAX_KNOWN {
                known.remove(0);
            }
            known.push((call.server_id.clone(), request_id.clone()));
        }
        self.history.lock().expect("no driver panicked").push(call);
    }

    /// A placa that no other call uses.
    fn new_placa(&self) -> String {
        format!("N{:07}", self.placas.fetch_add(1, Ordering::Relaxed))
    }
}

/// Runs `count` drivers until `stop`; each then finishes its current call.
pub(crate) async fn drive(workload: &Arc<Workload>, count: usize, stop: &CancellationToken) {
    let mut drivers = JoinSet::new();
    for number in 0..count {
        let mut driver = Driver {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .expect("a client"),
            random: Rng::with_seed(
                workload.seed.wrapping_mul(1_000_003).wrapping_add(number as u64),
            ),
            workload: Arc::clone(workload),
            number,
            keys: 0,
        };
        let stop = stop.clone();
        drivers.spawn(async move {
            while !stop.is_cancelled() {
                driver.do_something().await;
                let max_pause = driver.workload.max_pause.as_micros() as u64;
                tokio::time::sleep(Duration::from_micros(driver.random.u64(0..=max_pause))).await;
            }
        });
    }
    while let Some(driver) = drivers.join_next().await {
        driver.expect("no driver panicked");
    }
}

struct Driver {
    workload: Arc<Workload>,
    http: reqwest::Client,
    random: Rng,
    number: usize,
    keys: usize,
}

impl Driver {
    async fn do_something(&mut self) {
        match self.random.u8(0..100) {
            0..50 => self.reserve().await,
            50..70 => self.follow_up(Operation::Cancel).await,
            70..82 => self.follow_up(Operation::Consult).await,
            _ => self.list().await,
        }
    }

    async fn reserve(&mut self) {
        let server_id = self.random_server();
        // One id past the last, which does not exist.
        let posto_id = self.random.i64(1..=self.workload.postos + 1);
        let window = self.random_window();
        if self.random.bool() {
            let placa = self.workload.new_placa();
            let operation = Operation::Reserve { placa, posto_id, window };
            self.call(&server_id, operation, None, None).await;
            return;
        }
        // One of this driver's three carros, which may hold the posto already.
        let placa = format!("F{:03}{}", self.number, self.random.u8(0..3));
        self.keys += 1;
        let key = format!("request-{}-{:04}-{:06}", self.workload.seed, self.number, self.keys);
        let operation = Operation::Reserve { placa, posto_id, window };
        let mut extra_repeats = self.random.usize(0..=1);
        for _ in 0..=MAX_REPEATS {
            let unknown = self.call(&server_id, operation.clone(), Some(&key), None).await;
            if !unknown && extra_repeats == 0 {
                return;
            }
            extra_repeats = extra_repeats.saturating_sub(1);
        }
    }

    /// Cancels or consults one of the newest requests of any driver.
    async fn follow_up(&mut self, operation: Operation) {
        let chosen = {
            let known = self.workload.known.lock().expect("no driver panicked");
            (!known.is_empty()).then(|| known[self.random.usize(0..known.len())].clone())
        };
        if let Some((server_id, request_id)) = chosen {
            self.call(&server_id, operation, None, Some(request_id)).await;
        }
    }

    async fn list(&mut self) {
        let server_id = self.random_server();
        self.call(&server_id, Operation::List, None, None).await;
    }

    fn random_server(&mut self) -> String {
        self.random.choice(&self.workload.server_ids).expect("a servidor").clone()
    }

    /// Mostly on the grid and short; sometimes one that begins at once.
    fn random_window(&mut self) -> Option<Window> {
        let next = (now() / GRID + 1) * GRID;
        let inicio = match self.random.u8(0..10) {
            0 => now() - self.random.i64(0..1_000),
            1 => next + self.random.i64(0..GRID),
            _ => next + GRID * self.random.i64(0..10),
        };
        Some((inicio, inicio + GRID * self.random.i64(1..=4)))
    }

    /// Makes one call; returns whether its outcome is unknown.
    async fn call(
        &mut self,
        server_id: &str,
        operation: Operation,
        key: Option<&str>,
        target: Option<String>,
    ) -> bool {
        let gateway = self.random.choice(&self.workload.gateways).expect("a gateway").clone();
        let request = self.request(&gateway, server_id, &operation, key, target.as_deref());
        let started = now();
        let answer = request.send().await;
        let read = match answer {
            // The request was never sent.
            Err(error) if error.is_connect() => return true,
            Err(_) => None,
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.json::<Value>().await.ok().map(|json| (status, json))
            }
        };
        let ended = now() + 1;
        let answered_id = read.as_ref().and_then(|(_, json)| json["request_id"].as_str());
        let request_id = match (&operation, key) {
            (Operation::Reserve { .. }, Some(key)) => {
                let server_id = server_id.parse().expect("an id");
                let call = KeyedCall::Reservar;
                let made = RequestId::from_idempotency_key(None, call, &server_id, key);
                Some(made.as_str().to_owned())
            }
            (Operation::Reserve { .. }, None) => answered_id.map(str::to_owned),
            _ => target,
        };
        let outcome = read.map_or(Outcome::Broken, |(status, json)| Outcome::of(status, &json));
        let unknown = outcome.is_unknown();
        let server_id = server_id.to_owned();
        self.workload.record(Call { server_id, started, ended, operation, outcome, request_id });
        unknown
    }

    fn request(
        &self,
        gateway: &str,
        server_id: &str,
        operation: &Operation,
        key: Option<&str>,
        target: Option<&str>,
    ) -> reqwest::RequestBuilder {
        let target = target.unwrap_or_default();
        match operation {
            Operation::List => self.http.get(format!("{gateway}/postos?server_id={server_id}")),
            Operation::Consult => {
                self.http.get(format!("{gateway}/reservas/{target}?server_id={server_id}"))
            }
            Operation::Cancel => self
                .http
                .post(format!("{gateway}/reservas/{target}/cancelar?server_id={server_id}")),
            Operation::Reserve { placa, posto_id, window } => {
                let body = body(server_id, placa, *posto_id, *window);
                let request = self.http.post(format!("{gateway}/reservar")).json(&body);
                match key {
                    Some(key) => request.header("Idempotency-Key", key),
                    None => request,
                }
            }
        }
    }
}

fn body(server_id: &str, placa: &str, posto_id: i64, window: Option<Window>) -> Value {
    let mut body = json!({
        "placa": placa, "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19,
        "posto_id": posto_id, "server_id": server_id,
    });
    if let Some((inicio, fim)) = window {
        body["inicio"] = json!(Timestamp::clamped(inicio));
        body["fim"] = json!(Timestamp::clamped(fim));
    }
    body
}
