//! Drivers who reserve, cancel and list, and know what became of each request.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::harness::Answer;

pub(crate) const SERVERS: [&str; 2] = ["server1", "server2"];
pub(crate) const POSTOS: i64 = 20;
/// Of a command, with the time in which a gateway answers after it.
pub(crate) const LIMIT: Duration = Duration::from_secs(6);
pub(crate) const HOUR: i64 = 60 * 60;

/// One request for a reserva, until its outcome was known.
pub(crate) struct Request {
    pub(crate) server_id: &'static str,
    pub(crate) key: String,
    pub(crate) body: Value,
    pub(crate) answer: Value,
    pub(crate) is_cancelled: bool,
}

/// What the drivers share.
pub(crate) struct Load {
    pub(crate) gateways: Vec<String>,
    pub(crate) requests: Mutex<Vec<Request>>,
    /// Answers that took too long or that nobody expects.
    pub(crate) wrong: Mutex<Vec<String>>,
    /// The hour of the first interval.
    pub(crate) begin: i64,
    pub(crate) stop: CancellationToken,
}

impl Load {
    async fn send(&self, request: reqwest::RequestBuilder, what: &str) -> Answer {
        let begun = Instant::now();
        let answer = Answer::of(request).await;
        let took = begun.elapsed();
        let is_known = [0, 200, 409, 503, 504].contains(&answer.status);
        if took > LIMIT || !is_known {
            let wrong = format!("{what} after {} ms: {answer:?}", took.as_millis());
            self.wrong.lock().expect("nobody panicked").push(wrong);
        }
        answer
    }

    /// Asks one gateway after another until the outcome is known.
    pub(crate) async fn reserve(
        &self,
        http: &reqwest::Client,
        random: &mut Rng,
        key: &str,
        body: &Value,
    ) -> Value {
        loop {
            let gateway = random.choice(&self.gateways).expect("a gateway");
            let request = http.post(format!("{gateway}/reservar")).json(body);
            let answer = self.send(request.header("Idempotency-Key", key), "reservar").await;
            if [200, 409].contains(&answer.status) {
                return answer.json;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn cancel(&self, http: &reqwest::Client, random: &mut Rng, url: &str) {
        loop {
            let gateway = random.choice(&self.gateways).expect("a gateway");
            let answer = self.send(http.post(format!("{gateway}{url}")), "cancelar").await;
            if [200, 409].contains(&answer.status) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn drive(&self, number: u64) {
        let (http, mut random) = (reqwest::Client::new(), Rng::with_seed(number));
        for count in 0.. {
            if self.stop.is_cancelled() {
                return;
            }
            let server_id = *random.choice(&SERVERS).expect("a servidor");
            let inicio = self.begin + random.i64(0..12) * HOUR;
            let at = |seconds: i64| protocol::Timestamp::clamped(seconds * 1000);
            let body = json!({
                "placa": format!("R{number:02}{count:04}"), "modelo": "BYD Dolphin",
                "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19,
                "posto_id": random.i64(1..=POSTOS), "server_id": server_id,
                "inicio": at(inicio), "fim": at(inicio + random.i64(1..3) * HOUR),
            });
            let key = format!("rolling-upgrade-{number:02}-{count:04}");
            let answer = self.reserve(&http, &mut random, &key, &body).await;
            let request_id = answer["request_id"].as_str().unwrap_or_default();
            let is_cancelled = answer["status"] == "sucesso" && random.u8(0..3) > 0;
            if is_cancelled {
                let url = format!("/reservas/{request_id}/cancelar?server_id={server_id}");
                self.cancel(&http, &mut random, &url).await;
            }
            let gateway = random.choice(&self.gateways).expect("a gateway");
            let list = http.get(format!("{gateway}/postos?server_id={server_id}"));
            self.send(list, "postos").await;
            let request = Request { server_id, key, body, answer, is_cancelled };
            self.requests.lock().expect("nobody panicked").push(request);
        }
    }
}
