//! Simulated drivers' apps: each task sends a request, waits, records the call, and repeats.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use protocol::KeyedCall;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::gateway_calls::{keyed_request, read_answer, request};
use super::history::{Call, Operation, Outcome, Window, now};

/// Windows begin and end on this grid, so that many touch, overlap and nest.
const GRID: i64 = 2_000;
/// How often a driver repeats a request of unknown outcome with the same key.
const MAX_REPEATS: usize = 4;
/// How many of the newest requests drivers choose from when they cancel or consult.
const MAX_KNOWN: usize = 64;
/// The same, and how many of its own requests a driver repeats, where what has ended is to be asked for.
const MAX_OLD: usize = 2_048;

/// What all drivers of a run share.
pub(crate) struct Workload {
    pub(crate) gateways: Vec<String>,
    pub(crate) server_ids: Vec<String>,
    pub(crate) postos: i64,
    /// The longest pause of a driver between two calls.
    pub(crate) max_pause: Duration,
    /// Drivers also ask for what ended long ago.
    pub(crate) looks_back: bool,
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
            looks_back: false,
            seed,
            history: Mutex::default(),
            known: Mutex::default(),
            placas: AtomicU64::new(0),
        }
    }

    pub(crate) fn into_history(self) -> Vec<Call> {
        self.history.into_inner().expect("no driver panicked")
    }

    pub(crate) fn record(&self, call: Call) {
        if let (Operation::Reserve { .. }, Some(request_id)) = (&call.operation, &call.request_id) {
            let mut known = self.known.lock().expect("no driver panicked");
            if known.len() == if self.looks_back { MAX_OLD } else { MAX_KNOWN } {
                known.remove(0);
            }
            known.push((call.server_id.clone(), request_id.clone()));
        }
        self.history.lock().expect("no driver panicked").push(call);
    }

    /// A placa that no other call uses.
    pub(crate) fn new_placa(&self) -> String {
        format!("N{:07}", self.placas.fetch_add(1, Ordering::Relaxed))
    }
}

/// Runs `count` drivers until `stop`; each then finishes its current call.
pub(crate) async fn drive(workload: &Arc<Workload>, count: usize, stop: &CancellationToken) {
    let mut drivers = JoinSet::new();
    for number in 0..count {
        let mut driver = Driver::new(workload, number);
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

pub(crate) struct Driver {
    pub(crate) workload: Arc<Workload>,
    pub(crate) http: reqwest::Client,
    pub(crate) random: Rng,
    number: usize,
    keys: usize,
    /// Its requests, so that it repeats one long after.
    old: Vec<Keyed>,
}

/// A request that has a key: servidor, what is asked, key, and what it changes.
type Keyed = (String, Operation, String, Option<String>);

impl Driver {
    /// Each number of a run is another driver.
    pub(crate) fn new(workload: &Arc<Workload>, number: usize) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30));
        let seed = workload.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        Self {
            workload: Arc::clone(workload),
            http: http.build().expect("a client"),
            random: Rng::with_seed(seed),
            number,
            keys: 0,
            old: Vec::new(),
        }
    }

    async fn do_something(&mut self) {
        if self.workload.looks_back && self.random.u8(0..8) == 0 {
            return self.repeat_old().await;
        }
        match self.random.u8(0..100) {
            0..48 => self.reserve().await,
            48..64 => self.follow_up(Operation::Cancel).await,
            64..76 => self.follow_up(Operation::Consult).await,
            76..84 => self.change_something().await,
            _ => self.list().await,
        }
    }

    async fn reserve(&mut self) {
        let server_id = self.random_server();
        let posto_id = self.random_posto();
        let window = self.random_window();
        if self.random.bool() {
            let placa = self.workload.new_placa();
            let operation = Operation::Reserve { placa, posto_id, window };
            self.call(&server_id, operation, None, None).await;
            return;
        }
        // One of this driver's three carros, which may hold the posto already.
        let placa = format!("F{:03}{}", self.number, self.random.u8(0..3));
        let key = self.new_key();
        let operation = Operation::Reserve { placa, posto_id, window };
        self.call_repeatedly(&server_id, operation, &key, None).await;
    }

    /// Makes one call with a key until its outcome is known, and sometimes once more.
    async fn call_repeatedly(
        &mut self,
        server_id: &str,
        operation: Operation,
        key: &str,
        target: Option<String>,
    ) {
        if self.workload.looks_back && self.old.len() < MAX_OLD {
            let keyed = (server_id.to_owned(), operation.clone(), key.to_owned(), target.clone());
            self.old.push(keyed);
        }
        let mut extra_repeats = self.random.usize(0..=1);
        for _ in 0..=MAX_REPEATS {
            let target = target.clone();
            let outcome = self.call(server_id, operation.clone(), Some(key), target).await;
            if !outcome.is_unknown() && extra_repeats == 0 {
                return;
            }
            extra_repeats = extra_repeats.saturating_sub(1);
        }
    }

    async fn repeat_old(&mut self) {
        let Some(keyed) = self.random.choice(self.old.iter()).cloned() else { return };
        let (server_id, operation, key, target) = keyed;
        self.call(&server_id, operation, Some(&key), target).await;
    }

    pub(crate) fn new_key(&mut self) -> String {
        self.keys += 1;
        format!("request-{}-{:04}-{:06}", self.workload.seed, self.number, self.keys)
    }

    /// Cancels or consults one of the newest requests of any driver.
    async fn follow_up(&mut self, operation: Operation) {
        if let Some((server_id, request_id)) = self.known_request() {
            self.call(&server_id, operation, None, Some(request_id)).await;
        }
    }

    /// Changes one of them.
    async fn change_something(&mut self) {
        let Some((server_id, request_id)) = self.known_request() else { return };
        let window = self.random_window();
        let (inicio, fim) =
            window.map(|(inicio, fim)| (Some(inicio), Some(fim))).unwrap_or_default();
        let posto_id = Some(self.random_posto());
        let (posto_id, inicio, fim) = match self.random.u8(0..6) {
            0 => (posto_id, None, None),
            1 => (posto_id, inicio, fim),
            2 => (None, inicio, fim),
            3 => (None, inicio, None),
            _ => (None, None, fim),
        };
        self.change(&server_id, &request_id, posto_id, inicio, fim).await;
    }

    pub(crate) async fn change(
        &mut self,
        server_id: &str,
        request_id: &str,
        posto_id: Option<i64>,
        inicio: Option<i64>,
        fim: Option<i64>,
    ) {
        let key = self.new_key();
        let change_id = keyed_request(KeyedCall::Alteracao, server_id, &key);
        let operation = Operation::Change { change_id, posto_id, inicio, fim };
        self.call_repeatedly(server_id, operation, &key, Some(request_id.to_owned())).await;
    }

    fn known_request(&mut self) -> Option<(String, String)> {
        let known = self.workload.known.lock().expect("no driver panicked");
        self.random.choice(known.iter()).cloned()
    }

    async fn list(&mut self) {
        let server_id = self.random_server();
        self.call(&server_id, Operation::List, None, None).await;
    }

    /// Also one id past the last, which does not exist.
    fn random_posto(&mut self) -> i64 {
        self.random.i64(1..=self.workload.postos + 1)
    }

    pub(crate) fn random_server(&mut self) -> String {
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

    /// Makes one call at a gateway.
    pub(crate) async fn call(
        &mut self,
        server_id: &str,
        operation: Operation,
        key: Option<&str>,
        target: Option<String>,
    ) -> Outcome {
        let gateway = self.random.choice(&self.workload.gateways).expect("a gateway").clone();
        let request = request(&self.http, &gateway, server_id, &operation, key, target.as_deref());
        let started = now();
        let Ok(read) = read_answer(request.send().await).await else { return Outcome::Broken };
        let ended = now() + 1;
        let answered_id = read.as_ref().and_then(|(_, json)| json["request_id"].as_str());
        let request_id = match (&operation, key) {
            (Operation::Reserve { .. }, Some(key)) => {
                Some(keyed_request(KeyedCall::Reservar, server_id, key))
            }
            (Operation::Reserve { .. }, None) => answered_id.map(str::to_owned),
            _ => target,
        };
        let outcome =
            read.map_or(Outcome::Broken, |(status, json)| Outcome::of(&operation, status, &json));
        let (server_id, answered) = (server_id.to_owned(), outcome.clone());
        self.workload.record(Call { server_id, started, ended, operation, outcome, request_id });
        answered
    }
}
