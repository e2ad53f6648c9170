//! The postos of one servidor, as those who listen to `GET /eventos` know them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;
use protocol::{ListingReply, PontoStatus, ServerId, ServerState};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::frame::message_event;

/// What was listed, and what has changed since.
#[derive(Debug, Clone, Default)]
pub(super) struct Postos {
    postos: BTreeMap<i64, Posto>,
    /// The list as it was asked for, as an event.
    estado: Bytes,
    /// The last event of each posto since.
    changed: BTreeMap<i64, Bytes>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Posto {
    disponivel: bool,
    em_manutencao: bool,
    /// Of the rest.
    hash: u64,
}

/// What an event about a posto changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Applied {
    Changed(Bytes),
    Same,
    /// It is in no list yet: the list must be asked for again.
    Unknown,
}

#[derive(Serialize)]
struct Estado<'a, P> {
    server_id: &'a ServerId,
    status: ServerState,
    postos: P,
}

/// A posto has changed.
#[derive(Serialize)]
struct PostoEvent<'a> {
    server_id: &'a ServerId,
    posto_id: i64,
    disponivel: bool,
    em_manutencao: bool,
    timestamp: protocol::Timestamp,
}

/// The event of a servidor that cannot be reached: nobody knows how its postos are.
pub(super) fn offline(server_id: &ServerId) -> Bytes {
    estado(server_id, ServerState::Offline, [(); 0])
}

fn estado(server_id: &ServerId, status: ServerState, postos: impl Serialize) -> Bytes {
    message_event("estado", &Estado { server_id, status, postos })
}

impl Postos {
    /// Reads the answer to a listing; `None` if it has no list of postos.
    pub(super) fn read(body: &[u8], server_id: &ServerId) -> Option<Self> {
        let listed = ListingReply::read_whole(body)?;
        let list = [b"[", listed.postos?, b"]"].concat();
        let read: Vec<Map<String, Value>> = serde_json::from_slice(&list).ok()?;
        let postos =
            read.iter().filter_map(|posto| Some((posto.get("id")?.as_i64()?, posto.into())));
        let postos = postos.collect();
        let has_lines = list.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        let text = str::from_utf8(&list).ok()?;
        let estado = match has_lines {
            // An event has one line.
            true => estado(server_id, ServerState::Online, &read),
            false => {
                let raw: &RawValue = serde_json::from_str(text).ok()?;
                estado(server_id, ServerState::Online, raw)
            }
        };
        Some(Self { postos, estado, changed: BTreeMap::new() })
    }

    pub(super) fn apply(&mut self, status: &PontoStatus) -> Applied {
        let PontoStatus { server_id, ponto_id, disponivel, em_manutencao, timestamp } = status;
        let (disponivel, em_manutencao) = (*disponivel, *em_manutencao);
        let Some(posto) = self.postos.get_mut(ponto_id) else { return Applied::Unknown };
        if (posto.disponivel, posto.em_manutencao) == (disponivel, em_manutencao) {
            return Applied::Same;
        }
        (posto.disponivel, posto.em_manutencao) = (disponivel, em_manutencao);
        let (posto_id, timestamp) = (*ponto_id, *timestamp);
        let changed = PostoEvent { server_id, posto_id, disponivel, em_manutencao, timestamp };
        let changed = message_event("posto", &changed);
        self.changed.insert(posto_id, changed.clone());
        Applied::Changed(changed)
    }

    /// Whether those who know one know the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.postos == other.postos
    }

    /// The list as it was asked for.
    pub(super) fn estado(&self) -> Bytes {
        self.estado.clone()
    }

    /// All that a new listener needs.
    pub(super) fn events(&self) -> impl Iterator<Item = Bytes> {
        [self.estado.clone()].into_iter().chain(self.changed.values().cloned())
    }
}

impl From<&Map<String, Value>> for Posto {
    fn from(fields: &Map<String, Value>) -> Self {
        let is_true = |name| fields.get(name) == Some(&Value::Bool(true));
        let mut hasher = DefaultHasher::new();
        for (name, value) in fields {
            if name != "disponivel" && name != "em_manutencao" {
                (name, value.to_string()).hash(&mut hasher);
            }
        }
        let hash = hasher.finish();
        Self { disponivel: is_true("disponivel"), em_manutencao: is_true("em_manutencao"), hash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_id() -> ServerId {
        "server1".parse().unwrap()
    }

    fn postos(list: &str) -> Postos {
        let body = format!(r#"{{"request_id":"q","versao":"v","postos":[{list}]}}"#);
        Postos::read(body.as_bytes(), &server_id()).expect("a list")
    }

    fn posto(id: i64, disponivel: bool, preco: &str) -> String {
        format!(
            r#"{{"id":{id},"preco_kwh":{preco},"disponivel":{disponivel},"em_manutencao":false}}"#
        )
    }

    fn status(ponto_id: i64, disponivel: bool) -> PontoStatus {
        let timestamp = protocol::Timestamp::from_millis(0).unwrap();
        PontoStatus {
            server_id: server_id(),
            ponto_id,
            disponivel,
            em_manutencao: false,
            timestamp,
        }
    }

    fn texts(events: impl Iterator<Item = Bytes>) -> Vec<String> {
        events.map(|event| String::from_utf8(event.to_vec()).unwrap()).collect()
    }

    #[test]
    fn a_later_listener_gets_the_list_and_what_has_changed_since() {
        let list = [posto(1, true, "2.50"), posto(2, true, "1")].join(",");
        let mut known = postos(&list);
        let estado = format!(
            "event: estado\ndata: {{\"server_id\":\"server1\",\"status\":\"online\",\
             \"postos\":[{list}]}}\n\n"
        );
        assert_eq!(texts(known.events()).concat(), estado);
        assert_eq!(known.apply(&status(1, true)), Applied::Same);
        let changed = |id, disponivel| {
            format!(
                "event: posto\ndata: {{\"server_id\":\"server1\",\"posto_id\":{id},\
                 \"disponivel\":{disponivel},\"em_manutencao\":false,\
                 \"timestamp\":\"1970-01-01T00:00:00.000Z\"}}\n\n"
            )
        };
        for (id, disponivel) in [(2, false), (1, false), (1, true)] {
            let expected = Applied::Changed(changed(id, disponivel).into());
            assert_eq!(known.apply(&status(id, disponivel)), expected);
        }
        assert_eq!(texts(known.events()), [estado, changed(1, true), changed(2, false)]);
        assert_eq!(known.apply(&status(3, true)), Applied::Unknown);
    }

    #[test]
    fn a_list_that_says_what_events_have_said_is_nothing_new() {
        let mut known = postos(&posto(1, true, "2.5"));
        assert!(known.is_like(&postos(&posto(1, true, "2.5"))));
        assert!(!known.is_like(&postos(&posto(1, false, "2.5"))));
        known.apply(&status(1, false));
        assert!(known.is_like(&postos(&posto(1, false, "2.5"))));
        for other in
            [posto(1, true, "2.5"), posto(1, false, "3"), posto(2, false, "2.5"), String::new()]
        {
            assert!(!known.is_like(&postos(&other)), "{other}");
        }
    }

    #[test]
    fn an_event_has_one_line_however_the_list_is_written() {
        let known = postos("\n  {\"id\": 1,\r\n \"disponivel\": true}\n");
        let expected = "event: estado\ndata: {\"server_id\":\"server1\",\"status\":\"online\",\
            \"postos\":[{\"id\":1,\"disponivel\":true}]}\n\n";
        assert_eq!(texts(known.events()), [expected]);
    }
}
