//! The limits of the parts, measured in the same run as the system.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use domain::Moment;
use server::store::{Environment, Store};
use tokio::task::JoinSet;

use super::http::Connection;
use super::placas::placa;
use super::samples;
use super::stats::Stats;

/// The limit of HTTP alone: each request body is returned as JSON.
pub(crate) async fn http_echo(callers: usize, length: Duration) -> Stats {
    type Body = axum::Json<serde_json::Value>;
    let app = axum::Router::new().route("/", post(async |body: Body| body));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("its address").to_string();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let end = Instant::now() + length;
    for _ in 0..callers {
        let addr = addr.clone();
        tasks.spawn(async move {
            let mut stats = Stats::start();
            let mut connection = Connection::open(&addr).await.expect("a connection");
            let body =
                serde_json::json!({"placa": "ABC1234", "modelo": "BYD Dolphin", "posto_id": 5});
            let body = body.to_string();
            while Instant::now() < end {
                let begun = Instant::now();
                connection.post("/", &body).await.expect("an echo");
                stats.add_latency(begun.elapsed());
            }
            stats
        });
    }
    while let Some(stats) = tasks.join_next().await {
        all.add(&stats.expect("no caller panicked"));
    }
    all.end();
    serving.abort();
    all
}

/// Writes one page and syncs it, repeatedly.
pub(crate) fn fdatasync(folder: &std::path::Path, length: Duration) -> Stats {
    let mut file = std::fs::File::create(folder.join("sync")).expect("a file");
    let mut stats = Stats::start();
    let end = Instant::now() + length;
    while Instant::now() < end {
        let begun = Instant::now();
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).expect("a sync");
        stats.add_latency(begun.elapsed());
    }
    stats.end();
    stats
}

fn now() -> Moment {
    Moment::from_millis(now_millis())
}

fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("a clock after 1970").as_millis()).expect("a clock of this age")
}

/// Durable reservations in the store alone, without broker, messages and HTTP.
pub(crate) async fn store(folder: &std::path::Path, callers: usize, length: Duration) -> Stats {
    let (changes, mut published) = tokio::sync::mpsc::channel(4096);
    let listening = tokio::spawn(async move { while published.recv().await.is_some() {} });
    let environment = Environment {
        server_id: "server1".to_owned(),
        now: Arc::new(now),
        rules: domain::Rules::default(),
        changes,
    };
    let (store, closer) =
        Store::open(&folder.join("store.db"), environment).await.expect("a store");
    store.execute(samples::postos()).await.expect("postos");
    let next = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let end = Instant::now() + length;
    let begin = now_millis() + 3_600_000;
    for _ in 0..callers {
        let (store, next) = (store.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut stats = Stats::start();
            while Instant::now() < end {
                let begun = Instant::now();
                let number = next.fetch_add(1, Ordering::Relaxed);
                let placa = placa(number.unsigned_abs());
                let asked = samples::reservation(number, &placa, begin);
                match store.execute(asked).await {
                    Ok(_) => stats.add_latency(begun.elapsed()),
                    Err(error) => stats.add_error(error.to_string()),
                }
            }
            stats
        });
    }
    while let Some(stats) = tasks.join_next().await {
        all.add(&stats.expect("no caller panicked"));
    }
    all.end();
    drop(store);
    closer.close().await.expect("it closes");
    listening.abort();
    all
}
