//! Callers of a gateway, for as long as a test runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::harness::{Program, payload};

/// Between two requests of one caller.
const PAUSE: Duration = Duration::from_millis(50);
/// A posto may be reserved for as many hours ahead.
const HOURS: u64 = 24 * 80;
const POSTOS: u64 = 20;

/// Ends with the value.
pub(crate) struct Load {
    _callers: JoinSet<()>,
    answered: Arc<AtomicU64>,
}

impl Load {
    /// Two callers reserve hour after hour, one lists, one asks for an estimate.
    pub(crate) fn start(client: &Program) -> Self {
        let mut callers = JoinSet::new();
        let answered = Arc::new(AtomicU64::new(0));
        let url = |path: &str| client.url(path);
        let list = url("/postos?server_id=server1");
        callers.spawn(call(Method::GET, list, |_| None, Arc::clone(&answered)));
        let estimate = |number| Some(body(number, None));
        callers.spawn(call(Method::POST, url("/estimativa"), estimate, Arc::clone(&answered)));
        let reserve: [fn(u64) -> Option<Value>; 2] =
            [|number| Some(reservation(2 * number)), |number| Some(reservation(2 * number + 1))];
        for body in reserve {
            callers.spawn(call(Method::POST, url("/reservar"), body, Arc::clone(&answered)));
        }
        Self { _callers: callers, answered }
    }

    /// How many requests were answered, whatever the answer was.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }
}

async fn call(
    method: Method,
    url: String,
    body: fn(u64) -> Option<Value>,
    answered: Arc<AtomicU64>,
) {
    let http = reqwest::Client::new();
    for number in 0.. {
        let mut request = http.request(method.clone(), &url);
        if let Some(body) = body(number) {
            request = request.json(&body);
        }
        if request.send().await.is_ok() {
            answered.fetch_add(1, Relaxed);
        }
        sleep(PAUSE).await;
    }
}

fn reservation(number: u64) -> Value {
    body(number, Some(number / POSTOS % HOURS))
}

/// Of the carro with this number, at a time of its own; without an hour, now.
fn body(number: u64, hour: Option<u64>) -> Value {
    let posto_id = i64::try_from(number % POSTOS + 1).expect("a small number");
    let mut body = payload(&format!("L{:06}", number % 1_000_000), posto_id);
    if let Some(hour) = hour {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let next = now.expect("a clock after 1970").as_secs() / 3600 + 2 + hour;
        let at = |hour: u64| {
            let millis = i64::try_from(hour * 3_600_000).expect("a moment of this age");
            json!(protocol::Timestamp::clamped(millis).to_string())
        };
        (body["inicio"], body["fim"]) = (at(next), at(next + 1));
    }
    body
}
