//! The calls of the drivers with their outcomes, and what clients were sent: with the databases, all
//! that the checker uses.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// The interval `[inicio, fim)`, in milliseconds since 1970.
pub(crate) type Window = (i64, i64);

/// Millionths of a kWh, of a real, or of a real for a kWh.
pub(crate) type Micros = i128;

/// One call of one driver, or of the operator.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) server_id: String,
    /// Wall clock in milliseconds, rounded so that the call lies between `started` and `ended`.
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) operation: Operation,
    pub(crate) outcome: Outcome,
    /// Unknown if the answer was lost and the request had no key. That of the reserva which the call
    /// is about.
    pub(crate) request_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Without a window, the next 24 hours.
    Reserve {
        placa: String,
        posto_id: i64,
        window: Option<Window>,
    },
    Cancel,
    Consult,
    List,
    /// Under a `request_id` of its own. What is not given stays as it is.
    Change {
        change_id: String,
        posto_id: Option<i64>,
        inicio: Option<i64>,
        fim: Option<i64>,
    },
    /// A carro begins to charge.
    Arrive {
        placa: String,
        posto_id: i64,
    },
    /// It ends, having taken this energy.
    Leave {
        posto_id: i64,
        session: i64,
        energia: Micros,
    },
    /// The operator takes a posto out of service or brings it back.
    Serve {
        posto_id: i64,
        in_service: bool,
        disposition: Disposition,
    },
}

/// What becomes of the reservas of a posto that is taken out of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    Keep,
    Move,
    Cancel,
}

impl Disposition {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Keep => "manter",
            Self::Move => "mover",
            Self::Cancel => "cancelar",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A reserva, as the answer shows it.
    Reserva(Box<Reserva>),
    /// The ids of all listed postos, and of those that were `disponivel`.
    Postos { all: Vec<i64>, free: Vec<i64> },
    /// A session, as the answer shows it.
    Session(Session),
    /// What became of the reservas that were affected.
    Served(Vec<AffectedReserva>),
    /// Refused, with this `codigo`.
    Refused(String),
    /// No answer within the time limit: 504.
    TimedOut,
    /// The connection broke before an answer.
    Broken,
    /// An answer that cannot be read.
    Malformed(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reserva {
    pub(crate) id: i64,
    pub(crate) posto_id: i64,
    pub(crate) placa: String,
    pub(crate) window: Window,
    pub(crate) status: String,
    pub(crate) livre_desde: Option<i64>,
    pub(crate) preco: Micros,
    pub(crate) versao: i64,
    pub(crate) aviso: Option<String>,
    /// Of the answer to a reservation or a change.
    pub(crate) estimativa: Option<Estimativa>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimativa {
    pub(crate) energia: Micros,
    pub(crate) custo: Micros,
    pub(crate) preco: Micros,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: i64,
    pub(crate) posto_id: i64,
    pub(crate) placa: String,
    pub(crate) inicio: i64,
    pub(crate) preco: Micros,
    pub(crate) finished: Option<Finished>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) fim: i64,
    pub(crate) energia: Micros,
    pub(crate) custo: Micros,
}

/// One reserva in the answer to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AffectedReserva {
    pub(crate) id: i64,
    pub(crate) resultado: String,
    pub(crate) posto_id: i64,
}

/// What was published for the client that made a reserva.
#[derive(Debug, Clone)]
pub(crate) struct PrivateEvent {
    pub(crate) client_id: String,
    pub(crate) server_id: String,
    pub(crate) request_id: String,
    pub(crate) reserva: Reserva,
    /// When the servidor published it.
    pub(crate) timestamp: i64,
}

impl Outcome {
    /// Whether the effect may exist, may not, or may still come.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Broken)
    }

    /// `ok`, `refused` or `unknown`, with the `codigo` if there is one.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Reserva(_) | Self::Postos { .. } | Self::Session(_) | Self::Served(_) => {
                "ok".to_owned()
            }
            Self::Refused(codigo) => format!("refused {codigo}"),
            Self::TimedOut => "unknown tempo_esgotado".to_owned(),
            Self::Broken => "unknown connection broken".to_owned(),
            Self::Malformed(_) => "malformed".to_owned(),
        }
    }

    /// Reads an HTTP answer.
    pub(crate) fn of(operation: &Operation, status: u16, json: &Value) -> Self {
        let read = match (status, operation) {
            (200, Operation::List) => postos(json),
            (200 | 201, Operation::Arrive { .. } | Operation::Leave { .. }) => {
                session(json).map(Self::Session)
            }
            (200, Operation::Serve { .. }) => served(json).map(Self::Served),
            (200, _) => of_reserva(json).map(|reserva| Self::Reserva(Box::new(reserva))),
            (504, _) => Some(Self::TimedOut),
            _ => json["codigo"].as_str().map(|codigo| Self::Refused(codigo.to_owned())),
        };
        read.unwrap_or_else(|| Self::Malformed(format!("HTTP {status}: {json}")))
    }
}

impl PrivateEvent {
    /// Reads a private event, which was received on the topic of this client.
    pub(crate) fn of(client_id: &str, json: &Value) -> Option<Self> {
        Some(Self {
            client_id: client_id.to_owned(),
            server_id: json["server_id"].as_str()?.to_owned(),
            request_id: json["request_id"].as_str()?.to_owned(),
            reserva: reserva(json)?,
            timestamp: millis(&json["timestamp"])?,
        })
    }
}

fn postos(json: &Value) -> Option<Outcome> {
    let postos = json["postos"].as_array()?;
    let ids = |free_only: bool| -> Option<Vec<i64>> {
        let listed = postos.iter().filter(|posto| !free_only || posto["disponivel"] == true);
        listed.map(|posto| posto["id"].as_i64()).collect()
    };
    Some(Outcome::Postos { all: ids(false)?, free: ids(true)? })
}

fn of_reserva(json: &Value) -> Option<Reserva> {
    let mut read = reserva(&json["reserva"])?;
    let estimativa = &json["estimativa"];
    if !estimativa.is_null() {
        read.estimativa = Some(Estimativa {
            energia: micros(&estimativa["energia_kwh"])?,
            custo: micros(&estimativa["custo"])?,
            preco: micros(&estimativa["preco_kwh"])?,
        });
    }
    Some(read)
}

fn reserva(json: &Value) -> Option<Reserva> {
    Some(Reserva {
        id: json["id"].as_i64()?,
        posto_id: json["posto_id"].as_i64()?,
        placa: json["placa"].as_str()?.to_owned(),
        window: (millis(&json["inicio"])?, millis(&json["fim"])?),
        status: json["status"].as_str()?.to_owned(),
        livre_desde: optional(&json["livre_desde"], millis)?,
        preco: micros(&json["preco_kwh"])?,
        versao: json["versao"].as_i64()?,
        aviso: optional(&json["aviso"], |aviso| aviso.as_str().map(str::to_owned))?,
        estimativa: None,
    })
}

fn session(json: &Value) -> Option<Session> {
    let finished = |fim: &Value| {
        let (energia, custo) = (micros(&json["energia_fornecida"])?, micros(&json["custo"])?);
        Some(Finished { fim: millis(fim)?, energia, custo })
    };
    Some(Session {
        id: json["id"].as_i64()?,
        posto_id: json["posto_id"].as_i64()?,
        placa: json["placa"].as_str()?.to_owned(),
        inicio: millis(&json["inicio"])?,
        preco: micros(&json["preco_kwh"])?,
        finished: optional(&json["fim"], finished)?,
    })
}

fn served(json: &Value) -> Option<Vec<AffectedReserva>> {
    let handled = json["reservas"].as_array()?.iter().map(|handled| {
        Some(AffectedReserva {
            id: handled["id"].as_i64()?,
            resultado: handled["resultado"].as_str()?.to_owned(),
            posto_id: handled["posto_id"].as_i64()?,
        })
    });
    handled.collect()
}

/// `Some(None)` if it is not there, `None` if it cannot be read.
fn optional<T>(json: &Value, read: impl FnOnce(&Value) -> Option<T>) -> Option<Option<T>> {
    if json.is_null() { Some(None) } else { read(json).map(Some) }
}

pub(crate) fn millis(json: &Value) -> Option<i64> {
    json.as_str()?.parse::<protocol::Timestamp>().ok().map(protocol::Timestamp::as_millis)
}

/// A number of JSON as it is written, which is how a person would compute with it.
fn micros(json: &Value) -> Option<Micros> {
    json.is_number().then(|| json.to_string()).and_then(|text| parse_micros(&text))
}

/// A decimal number of at most six places, without an exponent.
pub(crate) fn parse_micros(text: &str) -> Option<Micros> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{places:0<6}");
    (padded.len() == 6).then(|| format!("{whole}{padded}").parse().ok()).flatten()
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock of this age")
}
