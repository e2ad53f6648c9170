//! What is asked of the system, and which answers are right.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde::Deserialize;

use super::http::Connection;
use super::placas::placa;

/// Length of a reserva, and of the pause after it, in milliseconds.
const WINDOW: u64 = 1_000;
/// Length of a reserva that begins at once: a posto is free again before its next turn.
const SHORT_WINDOW: u64 = 500;
/// More than any generator makes in a minute.
const NUMBERS_OF_A_RUN: u64 = 5_000_000;
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

/// Numbers of requests that another generator makes. It need not take all.
pub(crate) struct Numbers {
    pub(crate) servers: u64,
    pub(crate) postos: u64,
    /// The earliest `inicio`, in seconds since 1970.
    pub(crate) begin: u64,
    /// The number of the first placa.
    pub(crate) first: u64,
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

    pub(crate) async fn send(&self, mix: Mix, connection: &mut Connection) -> Result<(), String> {
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
        self.exchange(self.request(number), connection).await
    }

    /// The next reservation that conflicts with no other.
    pub(crate) fn next_request(&self) -> Request {
        self.request(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// More numbers than a run can use. Their requests conflict with none of this generator.
    pub(crate) fn take_numbers(&self) -> Numbers {
        let first = self.next.fetch_add(NUMBERS_OF_A_RUN, Ordering::Relaxed);
        // Before that, some postos may be asked for by numbers below the first.
        let begin = self.begin_of(first + self.servers * self.postos) / 1_000;
        Numbers { servers: self.servers, postos: self.postos, begin, first }
    }

    /// In milliseconds since 1970.
    fn begin_of(&self, number: u64) -> u64 {
        self.begin + number / self.servers / self.postos * 2 * WINDOW
    }

    fn request(&self, number: u64) -> Request {
        let inicio = self.begin_of(number);
        self.request_for(number, Some(inicio), inicio + WINDOW)
    }

    /// The servidor, from 0, and the posto of a request.
    fn place(&self, number: u64) -> (u64, u64) {
        (number % self.servers, number / self.servers % self.postos + 1)
    }

    fn request_for(&self, number: u64, inicio: Option<u64>, fim: u64) -> Request {
        let (server, posto_id) = self.place(number);
        let moment = |millis: u64| Timestamp::clamped(millis as i64).to_string();
        let (inicio, fim) = (inicio.map(moment), moment(fim));
        Request { number, server: server + 1, posto_id, placa: placa(number), inicio, fim }
    }

    /// Sends a reservation and returns its `request_id`.
    async fn exchange(
        &self,
        request: Request,
        connection: &mut Connection,
    ) -> Result<String, String> {
        let body = request.body();
        let (status, answer) = received(connection.post("/reservar", &body).await)?;
        if status == 200
            && let Some(request_id) = self.check(&request, &answer)
        {
            return Ok(request_id);
        }
        Err(format!("HTTP {status} to {body}: {}", String::from_utf8_lossy(&answer)))
    }

    /// The `request_id` of the answer, if it is a success for just this request. It is counted.
    pub(crate) fn check(&self, request: &Request, answer: &[u8]) -> Option<String> {
        let Made { request_id, reserva } = serde_json::from_slice::<Made>(answer).ok()?;
        let correct = reserva.posto_id == request.posto_id
            && request.inicio.as_ref().is_none_or(|inicio| reserva.inicio == inicio)
            && (reserva.placa, reserva.fim, reserva.status)
                == (&request.placa, &request.fim, "ativa");
        if !correct {
            return None;
        }
        self.made.fetch_add(1, Ordering::Relaxed);
        Some(request_id.to_owned())
    }

    /// Makes a reserva that begins at once; its servidor, from 1, and posto.
    pub(crate) async fn make_now(&self, connection: &mut Connection) -> Result<(u64, u64), String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let request = self.request_for(number, None, now() + 2 * WINDOW);
        self.exchange(request, connection).await?;
        let (server, posto) = self.place(number);
        Ok((server + 1, posto))
    }

    async fn list_changed(&self, number: u64, connection: &mut Connection) -> Result<(), String> {
        let fim = now() + SHORT_WINDOW;
        self.exchange(self.request_for(number, None, fim), connection).await?;
        let (server, posto_id) = self.place(number);
        let path = format!("/postos?server_id=server{}", server + 1);
        let (status, answer) = received(connection.get(&path).await)?;
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
        let (status, answer) = received(connection.get(&path).await)?;
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

/// A reservation to ask for. Without `inicio` it begins at once.
pub(crate) struct Request {
    number: u64,
    server: u64,
    posto_id: u64,
    placa: String,
    inicio: Option<String>,
    fim: String,
}

impl Request {
    /// What a caller sends a gateway.
    fn body(&self) -> String {
        let Self { server, posto_id, .. } = self;
        let (carro, interval) = (self.carro(), self.interval());
        format!(r#"{{{carro},"posto_id":{posto_id},"server_id":"server{server}"{interval}}}"#)
    }

    pub(crate) fn request_id(&self) -> String {
        format!("01a20938-8643-7097-b3fa-{:012}", self.number)
    }

    /// What a gateway, or a client that does without one, sends a servidor.
    pub(crate) fn command(&self, client_id: &str) -> String {
        let Self { server, posto_id, .. } = self;
        let (carro, interval, request_id) = (self.carro(), self.interval(), self.request_id());
        format!(
            r#"{{"request_id":"{request_id}","client_id":"{client_id}","server_id":"server{server}","carro":{{{carro}}},"posto_id":{posto_id}{interval}}}"#
        )
    }

    fn carro(&self) -> String {
        let placa = &self.placa;
        format!(
            r#""placa":"{placa}","modelo":"BYD Dolphin","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,"taxa_descarga":0.19"#
        )
    }

    fn interval(&self) -> String {
        let inicio = self.inicio.as_ref().map(|inicio| format!(r#","inicio":"{inicio}""#));
        format!(r#"{},"fim":"{}""#, inicio.unwrap_or_default(), self.fim)
    }
}

/// In milliseconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    now.as_millis() as u64
}

fn received<T>(answer: std::io::Result<T>) -> Result<T, String> {
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
