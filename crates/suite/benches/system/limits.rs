//! What the parts could do at best, measured in the same run as the whole.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use domain::{Carro, Kwh, KwhPerKm, Moment, Placa, Posto, ReservaCommand, Stretch};
use server::store::{Edit, Environment, Reservation, Store};
use tokio::task::JoinSet;

use super::http::Connection;
use super::stats::Stats;

/// JSON in, the same JSON out: what HTTP alone costs.
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
                stats.note(begun.elapsed());
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

/// One write of a page and its sync, over and over.
pub(crate) fn fdatasync(folder: &std::path::Path, length: Duration) -> Stats {
    let mut file = std::fs::File::create(folder.join("sync")).expect("a file");
    let mut stats = Stats::start();
    let end = Instant::now() + length;
    while Instant::now() < end {
        let begun = Instant::now();
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).expect("a sync");
        stats.note(begun.elapsed());
    }
    stats.end();
    stats
}

const POSTOS: i64 = 1_000;

fn now() -> Moment {
    Moment::from_millis(protocol_now())
}

fn protocol_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("a clock after 1970").as_millis()).expect("a clock of this age")
}

/// Durable reservations straight into the store, without broker, messages and HTTP.
pub(crate) async fn store(folder: &std::path::Path, callers: usize, length: Duration) -> Stats {
    let (changes, mut told) = tokio::sync::mpsc::channel(4096);
    let listening = tokio::spawn(async move { while told.recv().await.is_some() {} });
    let environment = Environment { servidor: "server1".to_owned(), now, changes };
    let (store, closer) =
        Store::open(&folder.join("store.db"), environment).await.expect("a store");
    let list = (1..=POSTOS).map(|id| (id, a_posto(id))).collect();
    store.edit(Edit::ImportPostos(list)).await.expect("postos");
    let next = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let end = Instant::now() + length;
    let begin = protocol_now() + 3_600_000;
    for _ in 0..callers {
        let (store, next) = (store.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut stats = Stats::start();
            while Instant::now() < end {
                let begun = Instant::now();
                let asked = a_reservation(next.fetch_add(1, Ordering::Relaxed), begin);
                match store.reserve(asked).await {
                    Ok(_) => stats.note(begun.elapsed()),
                    Err(error) => stats.wrong(error.to_string()),
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

fn a_posto(id: i64) -> Posto {
    Posto {
        nome: format!("Ponto {id}"),
        localizacao: domain::Localizacao::new("-23.5540,-46.6370").expect("a place"),
        potencia_maxima: domain::Kw::new(22.0).expect("power"),
        tipo_conector: "CCS".to_owned(),
        preco_kwh: domain::Price::new(2.5).expect("a price"),
        in_service: true,
        em_manutencao: false,
    }
}

fn a_reservation(number: i64, begin: i64) -> Reservation {
    let inicio = begin + number / POSTOS * 2_000;
    Reservation {
        request_id: format!("01a20938-8643-7097-b3fa-{number:012}"),
        fingerprint: u128::from(number.unsigned_abs()).to_be_bytes(),
        command: ReservaCommand {
            carro: Carro {
                placa: Placa::new(&format!("B{number:07}")).expect("a placa"),
                modelo: "BYD Dolphin".to_owned(),
                capacidade_bateria: Kwh::new(44.5).expect("energy"),
                nivel_bateria: Kwh::new(22.3).expect("energy"),
                taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
            },
            posto_id: number % POSTOS + 1,
            stretch: Stretch {
                inicio: Some(Moment::from_millis(inicio)),
                fim: Some(Moment::from_millis(inicio + 1_000)),
            },
        },
        deadline: tokio::time::Instant::now() + Duration::from_secs(10),
    }
}
