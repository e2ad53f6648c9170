//! A reserva at a moment, as its servidor answers.

use bytes::Bytes;
use protocol::{RequestId, ServerId, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::frame::event;

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
struct Answer {
    reserva: Map<String, Value>,
}

impl Snapshot {
    /// Reads the answer to a consulta; `None` if it has no reserva.
    pub(super) fn read(body: &[u8], server_id: &ServerId, request_id: &RequestId) -> Option<Self> {
        let Answer { reserva } = serde_json::from_slice(body).ok()?;
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

    /// Whether it will change no more.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        match self.ends {
            Ends::Now => true,
            Ends::At(fim) => fim <= now,
            Ends::Unknown => false,
        }
    }
}

impl Ends {
    fn of(reserva: &Map<String, Value>) -> Self {
        let text = |name| reserva.get(name).and_then(Value::as_str);
        match text("status") {
            Some("encerrada" | "cancelada" | "nao_compareceu") => Self::Now,
            Some("cumprida") if text("livre_desde").is_some() => Self::Now,
            Some("cumprida") => {
                let fim = text("fim").and_then(|fim| fim.parse().ok());
                fim.map_or(Self::Unknown, Self::At)
            }
            // A newer servidor has other states: they may be followed by others.
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn a_final_state_is_known() {
        let now = Timestamp::from_millis(2_000).unwrap();
        for (fields, expected) in [
            (r#""status":"ativa""#, false),
            (r#""status":"ativa","fim":"1970-01-01T00:00:01.000Z""#, false),
            (r#""status":"encerrada""#, true),
            (r#""status":"cancelada""#, true),
            (r#""status":"nao_compareceu""#, true),
            (r#""status":"cumprida","fim":"1970-01-01T00:00:03.000Z""#, false),
            (r#""status":"cumprida","fim":"1970-01-01T00:00:02.000Z""#, true),
            (
                r#""status":"cumprida","fim":"1970-01-01T00:00:03Z","livre_desde":"1970-01-01T00:00:01Z""#,
                true,
            ),
            (r#""status":"cumprida""#, false),
            (r#""status":"na_fila""#, false),
            (r#""status":5"#, false),
        ] {
            let read = snapshot(&format!(r#"{{"id":1,{fields}}}"#)).unwrap();
            assert_eq!(read.is_over(now), expected, "{fields}");
        }
    }

    #[test]
    fn an_answer_without_a_reserva_is_no_snapshot() {
        for reserva in ["null", "5", "{}", r#"{"id":"x"}"#] {
            assert_eq!(snapshot(reserva), None, "{reserva}");
        }
    }
}
