//! The load generator: callers that send as fast as they are answered, or at a fixed rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::http::Connection;
use super::placas::placa;
use super::stats::Stats;

/// Length of a reserva, and of the pause after it, in milliseconds.
const WINDOW: u64 = 1_000;
/// Length of a reserva that begins at once: a posto is free again before its next turn.
const SHORT_WINDOW: u64 = 500;
const HOUR: u64 = 3_600_000;
/// The list of postos in an answer begins after this.
const POSTOS_KEY: &[u8] = b"\"postos\":";

/// Generates requests that all differ and never conflict, and checks their answers.
pub(crate) struct Workload {
    servers: u64,
    postos: u64,
    /// The earliest `inicio`, in milliseconds since 1970.
    begin: u64,
    next: AtomicU64,
    /// The postos of each servidor as text, once a listing was parsed and found correct. Only a
    /// listing with another text is parsed again.
    correct_postos: Vec<OnceLock<Vec<u8>>>,
    /// Reservations answered with success.
    pub(crate) made: AtomicU64,
}

/// The kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    Reserve,
    List,
    /// Four listings to one reservation.
    Mixed,
    /// A reservation that begins at once and then a listing, which must show it.
    Changed,
}

impl Workload {
    pub(crate) fn new(servers: usize, postos: usize) -> Self {
        let begin = (now() / 1_000) * 1_000 + HOUR;
        let correct_postos = vec![OnceLock::new(); servers];
        let (servers, postos) = (servers as u64, postos as u64);
        let (next, made) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { servers, postos, begin, next, correct_postos, made }
    }

    async fn send(&self, mix: Mix, connection: &mut Connection) -> Result<(), String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match mix {
            Mix::Reserve => self.reserve(number, connection).await.map(drop),
            Mix::List => self.list(number, connection).await,
            Mix::Mixed if number.is_multiple_of(5) => {
                self.reserve(number, connection).await.map(drop)
            }
            Mix::Mixed => self.list(number, connection).await,
            Mix::Changed => self.list_changed(number, connection).await,
        }
    }

    /// Makes one reserva; its servidor and request.
    pub(crate) async fn make(&self, connection: &mut Connection) -> Result<(u64, String), String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request_id = self.reserve(number, connection).await?;
        Ok((self.place(number).0 + 1, request_id))
    }

    async fn reserve(&self, number: u64, connection: &mut Connection) -> Result<String, String> {
        let inicio = self.begin + number / self.servers / self.postos * 2 * WINDOW;
        self.reserve_for(number, Some(inicio), inicio + WINDOW, connection).await
    }

    /// The servidor, from 0, and the posto of a request.
    fn place(&self, number: u64) -> (u64, u64) {
        (number % self.servers, number / self.servers % self.postos + 1)
    }

    async fn reserve_for(
        &self,
        number: u64,
        inicio: Option<u64>,
        fim: u64,
        connection: &mut Connection,
    ) -> Result<String, String> {
        let (server, posto_id) = self.place(number);
        let server = server + 1;
        let moment = |millis: u64| Timestamp::clamped(millis as i64).to_string();
        let (inicio, fim) = (inicio.map(moment), moment(fim));
        let placa = placa(number);
        let begins = inicio.as_ref().map(|inicio| format!(r#","inicio":"{inicio}""#));
        let begins = begins.unwrap_or_default();
        let body = format!(
            r#"{{"placa":"{placa}","modelo":"BYD Dolphin","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,"taxa_descarga":0.19,"posto_id":{posto_id},"server_id":"server{server}"{begins},"fim":"{fim}"}}"#
        );
        let (status, answer) = exchange(connection.post("/reservar", &body).await)?;
        let wrong = || format!("HTTP {status} to {body}: {}", String::from_utf8_lossy(&answer));
        let Ok(Made { request_id, reserva }) = serde_json::from_slice::<Made>(&answer) else {
            return Err(wrong());
        };
        let correct = reserva.posto_id == posto_id
            && inicio.is_none_or(|inicio| reserva.inicio == inicio)
            && (reserva.placa, reserva.fim, reserva.status) == (&placa, &fim, "ativa");
        if status != 200 || !correct {
            return Err(wrong());
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(request_id.to_owned())
    }

    /// Makes a reserva that begins at once; its servidor, from 1, and posto.
    pub(crate) async fn make_now(&self, connection: &mut Connection) -> Result<(u64, u64), String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.reserve_for(number, None, now() + 2 * WINDOW, connection).await?;
        let (server, posto) = self.place(number);
        Ok((server + 1, posto))
    }

    async fn list_changed(&self, number: u64, connection: &mut Connection) -> Result<(), String> {
        let fim = now() + SHORT_WINDOW;
        self.reserve_for(number, None, fim, connection).await?;
        let (server, posto_id) = self.place(number);
        let path = format!("/postos?server_id=server{}", server + 1);
        let (status, answer) = exchange(connection.get(&path).await)?;
        let text = std::str::from_utf8(&answer).map_err(|error| error.to_string())?;
        let posto = text.split_once(&format!("{{\"id\":{posto_id},")).map(|(_, posto)| posto);
        let posto = posto.and_then(|posto| posto.split('}').next()).unwrap_or_default();
        let is_over = now() >= fim;
        if status == 200 && (is_over || posto.contains("\"disponivel\":false")) {
            return Ok(());
        }
        Err(format!("HTTP {status}, posto {posto_id} is reserved and listed as {posto:.300}"))
    }

    async fn list(&self, number: u64, connection: &mut Connection) -> Result<(), String> {
        let server = number % self.servers;
        let path = format!("/postos?server_id=server{}", server + 1);
        let (status, answer) = exchange(connection.get(&path).await)?;
        let text = answer.windows(POSTOS_KEY.len()).position(|bytes| bytes == POSTOS_KEY);
        let text = text.map(|at| &answer[at..]).unwrap_or_default();
        let known = &self.correct_postos[server as usize];
        if status == 200 && known.get().is_some_and(|known| known == text) {
            return Ok(());
        }
        // Every reserva of a run begins at least an hour later, so all postos are free.
        let listed = serde_json::from_slice::<Listed>(&answer).map_err(|error| {
            format!(
                "HTTP {status}, {error}: {}",
                String::from_utf8_lossy(&answer[..answer.len().min(300)])
            )
        })?;
        let right = |(place, posto): (u64, &ListedPosto)| posto.id == place + 1 && posto.disponivel;
        let all_there =
            listed.postos.len() as u64 == self.postos && (0..).zip(&listed.postos).all(right);
        if status == 200 && all_there {
            known.get_or_init(|| text.to_vec());
            Ok(())
        } else {
            Err(format!("HTTP {status}, a wrong listing"))
        }
    }
}

/// In milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    now.as_millis() as u64
}

fn exchange<T>(answer: std::io::Result<T>) -> Result<T, String> {
    answer.map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct Made<'a> {
    request_id: &'a str,
    #[serde(borrow)]
    reserva: MadeReserva<'a>,
}

#[derive(Deserialize)]
struct MadeReserva<'a> {
    posto_id: u64,
    placa: &'a str,
    inicio: &'a str,
    fim: &'a str,
    status: &'a str,
}

#[derive(Deserialize)]
struct Listed {
    postos: Vec<ListedPosto>,
}

#[derive(Deserialize)]
struct ListedPosto {
    id: u64,
    disponivel: bool,
}

/// The callers share one thread, so that an answer wakes no further thread of the load generator.
pub(crate) static CALLERS: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime")
});

/// Callers that send the next request as soon as they are answered.
pub(crate) async fn closed(
    workload: &Arc<Workload>,
    mix: Mix,
    addr: &str,
    callers: usize,
    length: Duration,
) -> Stats {
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let end = Instant::now() + length;
    for _ in 0..callers {
        let (workload, addr) = (Arc::clone(workload), addr.to_owned());
        let caller = async move {
            let mut stats = Stats::start();
            let mut connection = Connection::open(&addr).await.expect("a connection");
            while Instant::now() < end {
                let begun = Instant::now();
                match workload.send(mix, &mut connection).await {
                    Ok(()) => stats.add_latency(begun.elapsed()),
                    Err(what) => stats.add_error(what),
                }
            }
            stats
        };
        tasks.spawn_on(caller, CALLERS.handle());
    }
    gather(&mut tasks, &mut all).await;
    all
}

/// Requests at a fixed rate, answered or not; latency counts from the moment at which a request
/// was due.
pub(crate) async fn open(
    workload: &Arc<Workload>,
    mix: Mix,
    addr: &str,
    rate: f64,
    length: Duration,
) -> Stats {
    const WORKERS: usize = 512;
    let due = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    let mut all = Stats::start();
    let begun = Instant::now();
    for _ in 0..WORKERS {
        let (workload, addr, due) = (Arc::clone(workload), addr.to_owned(), Arc::clone(&due));
        let caller = async move {
            let mut stats = Stats::start();
            let mut connection = Connection::open(&addr).await.expect("a connection");
            loop {
                let moment = due.fetch_add(1, Ordering::Relaxed) as f64 / rate;
                if moment > length.as_secs_f64() {
                    return stats;
                }
                let moment = begun + Duration::from_secs_f64(moment);
                tokio::time::sleep_until(moment.into()).await;
                match workload.send(mix, &mut connection).await {
                    Ok(()) => stats.add_latency(moment.elapsed()),
                    Err(what) => stats.add_error(what),
                }
            }
        };
        tasks.spawn_on(caller, CALLERS.handle());
    }
    gather(&mut tasks, &mut all).await;
    all
}

async fn gather(tasks: &mut JoinSet<Stats>, all: &mut Stats) {
    while let Some(stats) = tasks.join_next().await {
        all.add(&stats.expect("no caller panicked"));
    }
    all.end();
}
