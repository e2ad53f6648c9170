//! A reserva at a moment, as its servidor answers.

use bytes::Bytes;
use protocol::{RequestId, ReservaStatus, ServerId, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::frame::event;

/// How far the clock of this gateway may be ahead of the servidor's: a stream that ended before its
/// reserva would not have the last change. As much as servidores take clocks to differ.
const CLOCK_DIFFERENCE_MILLIS: i64 = 5 * 60 * 1000;

/// A reserva, as a consulta has found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Its number at the servidor.
    pub(super) id: i64,
    /// Of an older servidor, which counts no changes, 0.
    pub(super) versao: i64,
    ends: Ends,
    /// As it is sent.
    pub(super) event: Bytes,
}

/// When it will change no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Now,
    /// The posto is the carro's until then, however early the carro came.
    At(Timestamp),
    Unknown,
}

#[derive(Deserialize)]
struct ConsultaAnswer {
    reserva: Map<String, Value>,
}

impl Snapshot {
    /// Reads the answer to a consulta; `None` if it has no reserva.
    pub(super) fn read(body: &[u8], server_id: &ServerId, request_id: &RequestId) -> Option<Self> {
        let ConsultaAnswer { reserva } = serde_json::from_slice(body).ok()?;
        let id = reserva.get("id")?.as_i64()?;
        let versao = reserva.get("versao").and_then(Value::as_i64).unwrap_or_default();
        let ends = Ends::of(&reserva);
        let mut fields = Map::new();
        fields.insert("server_id".to_owned(), server_id.as_str().into());
        fields.insert("request_id".to_owned(), request_id.as_str().into());
        for (name, value) in reserva {
            fields.entry(name).or_insert(value);
        }
        let number = (versao > 0).then_some(versao);
        let event = event("reserva", number, &Value::Object(fields).to_string());
        Some(Self { id, versao, ends, event })
    }

    /// Whether it will change no more, although the servidor's clock may be behind.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        match self.ends {
            Ends::Now => true,
            Ends::At(fim) => now.as_millis() - fim.as_millis() >= CLOCK_DIFFERENCE_MILLIS,
            Ends::Unknown => false,
        }
    }
}

impl Ends {
    fn of(reserva: &Map<String, Value>) -> Self {
        let text = |name| reserva.get(name).and_then(Value::as_str);
        let status = reserva.get("status").map(ReservaStatus::deserialize);
        // A newer servidor has other states: they may be followed by others.
        let Some(Ok(status)) = status else { return Self::Unknown };
        match status {
            ReservaStatus::Ativa => Self::Unknown,
            ReservaStatus::Encerrada | ReservaStatus::Cancelada | ReservaStatus::NaoCompareceu => {
                Self::Now
            }
            ReservaStatus::Cumprida if text("livre_desde").is_some() => Self::Now,
            ReservaStatus::Cumprida => {
                let fim = text("fim").and_then(|fim| fim.parse().ok());
                fim.map_or(Self::Unknown, Self::At)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{CLOCK_TOLERANCE, Interval, Moment, Price, ReservaFacts, ReservaState, millis};
    use serde_json::json;

    use super::*;

    fn snapshot(reserva: &str) -> Option<Snapshot> {
        let body = format!(r#"{{"request_id":"q","status":"sucesso","reserva":{reserva}}}"#);
        Snapshot::read(body.as_bytes(), &"server1".parse().unwrap(), &"r1".parse().unwrap())
    }

    #[test]
    fn a_reserva_is_sent_as_its_servidor_answers_on_one_line() {
        let read =
            snapshot("{\n\"id\": 17,\r\n\"versao\": 3, \"status\":\"ativa\", \"novo\": [\"\\n\"]}")
                .unwrap();
        let expected = "event: reserva\nid: 3\ndata: {\"server_id\":\"server1\",\
            \"request_id\":\"r1\",\"id\":17,\"versao\":3,\"status\":\"ativa\",\
            \"novo\":[\"\\n\"]}\n\n";
        assert_eq!((read.id, read.versao), (17, 3));
        assert_eq!(read.event, expected);
    }

    #[test]
    fn a_reserva_of_an_older_servidor_has_no_number() {
        let read = snapshot(r#"{"id":17,"status":"ativa"}"#).unwrap();
        assert!(read.event.starts_with(b"event: reserva\ndata: "), "{:?}", read.event);
        assert_eq!(read.versao, 0);
    }

    #[test]
    fn what_is_over_here_is_over_at_the_servidor_whose_clock_is_behind() {
        assert_eq!(CLOCK_DIFFERENCE_MILLIS, millis(CLOCK_TOLERANCE));
        let at = Moment::from_millis;
        let interval = Interval::new(at(1_000), at(2_000)).unwrap();
        let made =
            ReservaFacts::new(interval, Price::new(2.5).unwrap(), Duration::ZERO, None, at(500));
        for state in ReservaState::ALL {
            for livre_desde in [None, Some(at(1_500))] {
                for now in [999, 1_000, 1_500, 1_999, 2_000, 2_001] {
                    let facts = ReservaFacts { state: *state, livre_desde, ..made }.at(at(now));
                    let text = |moment| Timestamp::from(moment).to_string();
                    let mut fields = json!({"id": 1, "status": facts.state.as_str(),
                        "fim": text(facts.interval.fim())});
                    if let Some(livre_desde) = facts.livre_desde {
                        fields["livre_desde"] = json!(text(livre_desde));
                    }
                    let read = snapshot(&fields.to_string()).unwrap();
                    let is_over = read.is_over(Timestamp::from(at(now + CLOCK_DIFFERENCE_MILLIS)));
                    assert_eq!(is_over, facts.is_over(at(now)), "{fields} at {now}");
                }
            }
        }
    }

    #[test]
    fn what_a_newer_servidor_says_is_not_over() {
        let now = Timestamp::from_millis(2_000).unwrap();
        for fields in [r#""status":"cumprida""#, r#""status":"na_fila""#, r#""status":5"#] {
            let read = snapshot(&format!(r#"{{"id":1,{fields}}}"#)).unwrap();
            assert!(!read.is_over(now), "{fields}");
        }
    }

    #[test]
    fn an_answer_without_a_reserva_is_no_snapshot() {
        for reserva in ["null", "5", "{}", r#"{"id":"x"}"#] {
            assert_eq!(snapshot(reserva), None, "{reserva}");
        }
    }
}
