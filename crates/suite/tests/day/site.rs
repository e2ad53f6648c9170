//! The site where the day happens: the real programs, and every call that is made to them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::clock::{Clock, written};
use super::listener::Listener;
use super::plan::{Day, Posto};
use crate::cluster::{Cluster, ClusterSpec};
use crate::harness::{FAILPOINTS_SERVER, World};

pub(crate) const SERVER: &str = "server1";
/// The programs' own time limit for a command, in real time.
const COMMAND_LIMIT: &str = "4";
/// How often a call is repeated that was not answered, and the pause before that.
const MAX_ATTEMPTS: usize = 60;
const PAUSE: Duration = Duration::from_millis(200);
/// How long a charger waits for the servidor, and the status of what was not heard by then.
const HEARING_LIMIT: Duration = Duration::from_secs(5);
pub(crate) const NOT_HEARD: u16 = 202;

/// What a call was about; moments are those of the simulated clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Estimate {
        posto: i64,
    },
    Reserve {
        posto: i64,
        inicio: i64,
        fim: i64,
    },
    /// Of the reserva with this `request_id`, which was at `had` before.
    Change {
        posto: i64,
        inicio: i64,
        fim: i64,
        had: (i64, i64, i64),
        reserva: String,
    },
    Cancel,
    Consult,
    List,
    Start {
        posto: i64,
    },
    Finish {
        energy: i64,
    },
    /// A session that is over, reported by a charger that was offline.
    Report {
        posto: i64,
        energy: i64,
    },
    Service {
        posto: i64,
        works: bool,
    },
    Price {
        posto: i64,
        price: i64,
    },
}

/// One attempt at a call, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Of the carro; empty for the operator.
    pub(crate) placa: String,
    /// The number of the visit that it is part of.
    pub(crate) trip: Option<usize>,
    pub(crate) what: What,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) answer: Answer,
}

/// Status 0: there was none.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The call may have had its effect, may not, or may still have it.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.status, 0 | 500..)
    }

    pub(crate) fn codigo(&self) -> &str {
        self.json["codigo"].as_str().unwrap_or_default()
    }
}

/// A call to be made until it is answered.
pub(crate) struct Request<'a> {
    pub(crate) placa: &'a str,
    pub(crate) trip: Option<usize>,
    pub(crate) what: What,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// The `Idempotency-Key` of a call to a gateway.
    pub(crate) key: Option<String>,
    /// The servidor's own API, and not a gateway.
    pub(crate) admin: bool,
}

pub(crate) struct Site {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) clock: Clock,
    /// When the day begins.
    pub(crate) begin: i64,
    pub(crate) listener: Listener,
    http: reqwest::Client,
    history: Mutex<Vec<Call>>,
}

impl Site {
    /// Starts the programs, with a tolerance in minutes, and makes the postos.
    pub(crate) async fn open(
        day: &Day,
        tolerance: i64,
        gateways: &[&str],
        bug: Option<&str>,
    ) -> Self {
        // Built before the clock runs fast.
        crate::harness::path_of(FAILPOINTS_SERVER).await;
        crate::harness::path_of("client").await;
        let world = World::on_mosquitto().await;
        let clock = Clock::start();
        let (settings, tolerance) = (clock.settings(), tolerance.to_string());
        let mut server_set = vec![
            ("TEMPO_LIMITE_RESERVA", COMMAND_LIMIT),
            ("RESERVA_TOLERANCIA_MIN", &tolerance),
            ("RESERVAS_POR_CARRO", "3"),
            ("ADMIN_ABERTO", "sim"),
        ];
        server_set.extend(settings.iter().map(|(name, value)| (*name, value.as_str())));
        server_set.extend(bug.map(|bug| ("SEEDED_BUG", bug)));
        let spec = ClusterSpec {
            servers: &[SERVER],
            gateways,
            postos: 0,
            server_program: FAILPOINTS_SERVER,
            server_set: &server_set,
            gateway_set: &[("TEMPO_LIMITE_RESERVA", COMMAND_LIMIT), ("TEMPO_LIMITE_POSTOS", "3")],
            disks: false,
        };
        let listener = Listener::start(&world, clock).await;
        let cluster = Arc::new(Cluster::start(world, &spec).await);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(15));
        let http = http.build().expect("a client");
        let history = Mutex::default();
        let mut site = Self { cluster, clock, begin: 0, listener, http, history };
        site.check_clock().await;
        for posto in &day.postos {
            site.make(posto).await;
        }
        site.begin = (clock.now() / day.grid + 1) * day.grid;
        clock.wait_until(site.begin).await;
        site
    }

    /// The servidor's clock must be the simulated one.
    async fn check_clock(&self) {
        let url = format!("{}/status", self.cluster.servers[0].url);
        let before = self.clock.now();
        let status = self.http.get(url).send().await.expect("an answer");
        let status: Value = status.json().await.expect("JSON");
        let shown = super::clock::read(&status["timestamp"]).expect("a time");
        assert!((before..=self.clock.now()).contains(&shown), "{status}");
    }

    async fn make(&self, posto: &Posto) {
        let Posto { id, power, conector, price, place: (latitude, longitude) } = posto;
        let body = json!({
            "nome": format!("Ponto {id}"),
            "localizacao": format!("{:.4},{:.4}", *latitude as f64 / 1e4, *longitude as f64 / 1e4),
            "potencia_maxima": kilo(*power), "tipo_conector": conector, "preco_kwh": kilo(*price),
        });
        let url = format!("{}/postos", self.cluster.servers[0].url);
        let started = self.clock.now();
        let answer = answered(self.http.post(url).json(&body)).await;
        assert_eq!((answer.status, answer.json["id"].as_i64()), (201, Some(*id)), "{answer:?}");
        let what = What::Price { posto: *id, price: *price };
        self.record("", None, what, started, answer);
    }

    /// Repeats a call until it is answered. A gateway that does not answer is left for another.
    pub(crate) async fn settle(&self, request: Request<'_>) -> Answer {
        let (mut attempt, number) = (0, request.trip.unwrap_or(0));
        loop {
            let gateways = &self.cluster.gateways;
            let base = match request.admin {
                true => &self.cluster.servers[0].url,
                false => &gateways[(number + attempt) % gateways.len()].url,
            };
            let url = format!("{base}{}", request.path);
            let mut call = self.http.request(request.method.clone(), url);
            if let Some(body) = &request.body {
                call = call.json(body);
            }
            if let Some(key) = &request.key {
                call = call.header("Idempotency-Key", key);
            }
            let started = self.clock.now();
            let answer = answered(call).await;
            self.record(request.placa, request.trip, request.what.clone(), started, answer.clone());
            attempt += 1;
            if !answer.is_unknown() || attempt == MAX_ATTEMPTS {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Publishes what a charger says, and waits until the servidor has heard it, if it does soon.
    pub(crate) async fn report(&self, posto: i64, works: bool, event: &Value, what: What) {
        let started = self.clock.now();
        self.listener.publish(&format!("pontos/{posto}/disponibilidade"), event).await;
        let url = format!("{}/postos/{posto}", self.cluster.servers[0].url);
        let hear = async {
            while answered(self.http.get(&url)).await.json["carregador"]["disponivel"] != works {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let is_heard = tokio::time::timeout(HEARING_LIMIT, hear).await.is_ok();
        let status = if is_heard { 200 } else { NOT_HEARD };
        self.record("", None, what, started, Answer { status, json: Value::Null });
    }

    fn record(&self, placa: &str, trip: Option<usize>, what: What, started: i64, answer: Answer) {
        // The call lies between the two.
        let ended = self.clock.now() + super::clock::SPEED;
        let placa = placa.to_owned();
        let call = Call { placa, trip, what, started, ended, answer };
        self.history.lock().expect("no player panicked").push(call);
    }

    pub(crate) fn take_history(&self) -> Vec<Call> {
        std::mem::take(&mut self.history.lock().expect("no player panicked"))
    }

    /// What a driver or an operator writes for a moment of the plan.
    pub(crate) fn written(&self, offset: i64) -> String {
        written(self.begin + offset)
    }
}

/// Thousandths as a decimal number of JSON.
pub(crate) fn kilo(thousandths: i64) -> Value {
    json!(thousandths as f64 / 1e3)
}

async fn answered(call: reqwest::RequestBuilder) -> Answer {
    match call.send().await {
        Ok(answer) => {
            let status = answer.status().as_u16();
            match answer.json().await {
                Ok(json) => Answer { status, json },
                // Cut off in the middle.
                Err(_) => Answer { status: 0, json: Value::Null },
            }
        }
        Err(error) => Answer { status: 0, json: Value::String(error.to_string()) },
    }
}
