//! Drivers' apps at work: each task asks, waits, writes down what it saw, and asks again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use protocol::{RequestId, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::history::{Asked, Call, Outcome, Window, now};

/// Windows begin and end on this grid, so that many touch, overlap and nest.
const GRID: i64 = 2_000;
/// How often a driver asks again, with the same key, what became of an unknown outcome.
const MOST_REPEATS: usize = 4;
/// How many of the newest reservas drivers choose from when they cancel or ask.
const KNOWN: usize = 64;

/// What all drivers share.
pub(crate) struct Depot {
    pub(crate) gateways: Vec<String>,
    pub(crate) server_ids: Vec<String>,
    pub(crate) postos: i64,
    /// How long a driver rests between two calls, at most.
    pub(crate) rest: Duration,
    seed: u64,
    history: Mutex<Vec<Call>>,
    known: Mutex<Vec<(String, String)>>,
    placas: AtomicU64,
}

impl Depot {
    pub(crate) fn new(seed: u64, gateways: Vec<String>, server_ids: &[&str], postos: i64) -> Self {
        Self {
            gateways,
            server_ids: server_ids.iter().map(|&id| id.to_owned()).collect(),
            postos,
            rest: Duration::from_millis(40),
            seed,
            history: Mutex::default(),
            known: Mutex::default(),
            placas: AtomicU64::new(0),
        }
    }

    /// Everything that was asked and answered.
    pub(crate) fn into_history(self) -> Vec<Call> {
        self.history.into_inner().expect("no driver panicked")
    }

    fn note(&self, call: Call) {
        if let (Asked::Reserve { .. }, Some(request_id)) = (&call.asked, &call.request_id) {
            let mut known = self.known.lock().expect("no driver panicked");
            if known.len() == KNOWN {
                known.remove(0);
            }
            known.push((call.server_id.clone(), request_id.clone()));
        }
        self.history.lock().expect("no driver panicked").push(call);
    }

    /// A carro nobody else has.
    fn new_placa(&self) -> String {
        format!("N{:07}", self.placas.fetch_add(1, Ordering::Relaxed))
    }
}

/// Lets `count` drivers ask until `stop`; each then finishes what it began.
pub(crate) async fn drive(depot: &Arc<Depot>, count: usize, stop: &CancellationToken) {
    let mut drivers = JoinSet::new();
    for number in 0..count {
        let mut driver = Driver {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()
                .expect("a client"),
            random: Rng::with_seed(depot.seed.wrapping_mul(1_000_003).wrapping_add(number as u64)),
            depot: Arc::clone(depot),
            number,
            keys: 0,
        };
        let stop = stop.clone();
        drivers.spawn(async move {
            while !stop.is_cancelled() {
                driver.do_something().await;
                let rest = driver.depot.rest.as_micros() as u64;
                tokio::time::sleep(Duration::from_micros(driver.random.u64(0..=rest))).await;
            }
        });
    }
    while let Some(driver) = drivers.join_next().await {
        driver.expect("no driver panicked");
    }
}

struct Driver {
    depot: Arc<Depot>,
    http: reqwest::Client,
    random: Rng,
    number: usize,
    keys: usize,
}

impl Driver {
    async fn do_something(&mut self) {
        match self.random.u8(0..100) {
            0..50 => self.reserve().await,
            50..70 => self.settle(Asked::Cancel).await,
            70..82 => self.settle(Asked::Consult).await,
            _ => self.list().await,
        }
    }

    async fn reserve(&mut self) {
        let server_id = self.a_server();
        // The posto after the last does not exist.
        let posto_id = self.random.i64(1..=self.depot.postos + 1);
        let window = self.a_window();
        if self.random.bool() {
            let placa = self.depot.new_placa();
            let asked = Asked::Reserve { placa, posto_id, window };
            self.ask(&server_id, asked, None, None).await;
            return;
        }
        // A carro of this driver's small fleet, which may hold the posto already.
        let placa = format!("F{:03}{}", self.number, self.random.u8(0..3));
        self.keys += 1;
        let key = format!("{}-{}-{}", self.depot.seed, self.number, self.keys);
        let asked = Asked::Reserve { placa, posto_id, window };
        let mut needless = self.random.usize(0..=1);
        for _ in 0..=MOST_REPEATS {
            let unknown = self.ask(&server_id, asked.clone(), Some(&key), None).await;
            if !unknown && needless == 0 {
                return;
            }
            needless = needless.saturating_sub(1);
        }
    }

    /// Cancels, or asks after, one of the newest requests of anybody.
    async fn settle(&mut self, asked: Asked) {
        let some = {
            let known = self.depot.known.lock().expect("no driver panicked");
            (!known.is_empty()).then(|| known[self.random.usize(0..known.len())].clone())
        };
        if let Some((server_id, request_id)) = some {
            self.ask(&server_id, asked, None, Some(request_id)).await;
        }
    }

    async fn list(&mut self) {
        let server_id = self.a_server();
        self.ask(&server_id, Asked::List, None, None).await;
    }

    fn a_server(&mut self) -> String {
        self.random.choice(&self.depot.server_ids).expect("a servidor").clone()
    }

    /// Mostly on the grid and soon over; now and then one that begins at once.
    fn a_window(&mut self) -> Option<Window> {
        let next = (now() / GRID + 1) * GRID;
        let inicio = match self.random.u8(0..10) {
            0 => now() - self.random.i64(0..1_000),
            1 => next + self.random.i64(0..GRID),
            _ => next + GRID * self.random.i64(0..10),
        };
        Some((inicio, inicio + GRID * self.random.i64(1..=4)))
    }

    /// One call; whether its outcome is unknown.
    async fn ask(
        &mut self,
        server_id: &str,
        asked: Asked,
        key: Option<&str>,
        about: Option<String>,
    ) -> bool {
        let gateway = self.random.choice(&self.depot.gateways).expect("a gateway").clone();
        let request = self.request(&gateway, server_id, &asked, key, about.as_deref());
        let started = now();
        let answer = request.send().await;
        let read = match answer {
            // Nobody was there to hear it.
            Err(error) if error.is_connect() => return true,
            Err(_) => None,
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.json::<Value>().await.ok().map(|json| (status, json))
            }
        };
        let ended = now() + 1;
        let told = read.as_ref().and_then(|(_, json)| json["request_id"].as_str());
        let request_id = match (&asked, key) {
            (Asked::Reserve { .. }, Some(key)) => {
                let server_id = server_id.parse().expect("an id");
                Some(RequestId::from_idempotency_key(&server_id, key).as_str().to_owned())
            }
            (Asked::Reserve { .. }, None) => told.map(str::to_owned),
            _ => about,
        };
        let outcome = read.map_or(Outcome::Broken, |(status, json)| Outcome::of(status, &json));
        let unknown = outcome.is_unknown();
        let server_id = server_id.to_owned();
        self.depot.note(Call { server_id, started, ended, asked, outcome, request_id });
        unknown
    }

    fn request(
        &self,
        gateway: &str,
        server_id: &str,
        asked: &Asked,
        key: Option<&str>,
        about: Option<&str>,
    ) -> reqwest::RequestBuilder {
        let about = about.unwrap_or_default();
        match asked {
            Asked::List => self.http.get(format!("{gateway}/postos?server_id={server_id}")),
            Asked::Consult => {
                self.http.get(format!("{gateway}/reservas/{about}?server_id={server_id}"))
            }
            Asked::Cancel => {
                self.http.post(format!("{gateway}/reservas/{about}/cancelar?server_id={server_id}"))
            }
            Asked::Reserve { placa, posto_id, window } => {
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
