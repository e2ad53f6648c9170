//! The calls of the drivers with their outcomes: with the databases, all that the checker uses.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// The interval `[inicio, fim)`, in milliseconds since 1970.
pub(crate) type Window = (i64, i64);

/// One call of one driver.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) server_id: String,
    /// Wall clock in milliseconds, rounded so that the call lies between `started` and `ended`.
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) operation: Operation,
    pub(crate) outcome: Outcome,
    /// Unknown if the answer was lost and the request had no key.
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
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A reserva, as the answer shows it.
    Reserva(Reserva),
    /// The ids of all listed postos, and of those that were `disponivel`.
    Postos { all: Vec<i64>, free: Vec<i64> },
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
}

impl Outcome {
    /// Whether the effect may exist, may not, or may still come.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Broken)
    }

    /// `ok`, `refused` or `unknown`, with the `codigo` if there is one.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Reserva(_) | Self::Postos { .. } => "ok".to_owned(),
            Self::Refused(codigo) => format!("refused {codigo}"),
            Self::TimedOut => "unknown tempo_esgotado".to_owned(),
            Self::Broken => "unknown connection broken".to_owned(),
            Self::Malformed(_) => "malformed".to_owned(),
        }
    }

    /// Reads an HTTP answer.
    pub(crate) fn of(status: u16, json: &Value) -> Self {
        let read = match status {
            200 if json["postos"].is_array() => postos(json),
            200 => reserva(&json["reserva"]).map(Self::Reserva),
            504 => Some(Self::TimedOut),
            _ => json["codigo"].as_str().map(|codigo| Self::Refused(codigo.to_owned())),
        };
        read.unwrap_or_else(|| Self::Malformed(format!("HTTP {status}: {json}")))
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

fn reserva(json: &Value) -> Option<Reserva> {
    Some(Reserva {
        id: json["id"].as_i64()?,
        posto_id: json["posto_id"].as_i64()?,
        placa: json["placa"].as_str()?.to_owned(),
        window: (millis(&json["inicio"])?, millis(&json["fim"])?),
        status: json["status"].as_str()?.to_owned(),
    })
}

fn millis(json: &Value) -> Option<i64> {
    json.as_str()?.parse::<protocol::Timestamp>().ok().map(protocol::Timestamp::as_millis)
}

/// The wall clock, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock of this age")
}
