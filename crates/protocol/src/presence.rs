//! Which servidores are online.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{ServerId, Timestamp};

/// Se um servidor está conectado ao broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    Online,
    /// Any other state of a newer servidor counts as this one: only `online` takes commands.
    #[serde(other)]
    Offline,
}

/// Em que tópicos um servidor ouve comandos, e se neles aceita listas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entrega {
    /// On `server/…`, which every servidor receives.
    Difusao,
    /// On `server/{server_id}/…`, which only it receives.
    Direta,
    /// Arrays of commands on `server/…`: it picks its own out of them.
    ListasEmDifusao,
}

/// As on the wire.
impl fmt::Display for Entrega {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Entrega {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::deserialize(StrDeserializer::new(text))
    }
}

/// O que se sabe de um servidor.
//
// `server/{server_id}/status`: retained birth and Last Will of its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "server_id": "server1", "status": "online", "desde": "2026-11-23T12:00:00.000Z",
    "versao": "0.1.0", "entrega": ["difusao", "direta", "listas_em_difusao"]
}))]
pub struct ServerPresence {
    /// O servidor.
    pub server_id: ServerId,
    /// Se está conectado ao broker.
    pub status: ServerState,
    /// Desde quando está assim. De um servidor que caiu (`offline` em um Last Will), desde quando estava
    /// online, porque o broker não diz quando ele caiu; de um que parou normalmente, desde a parada.
    //
    // The start of the connection, by which a late will of an older connection is recognised; of one that
    // was stopped, its end.
    pub desde: Timestamp,
    /// Versão do programa.
    #[serde(deserialize_with = "short_text")]
    pub versao: String,
    /// Em que tópicos ouve comandos; se não vier, só nos de difusão, e ali um por mensagem.
    #[serde(default = "broadcast_only", deserialize_with = "known_entregas")]
    pub entrega: Vec<Entrega>,
}

/// Longest version, in characters. A gateway keeps the presence of every servidor.
const MAX_VERSAO: usize = 120;

fn short_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.chars().nth(MAX_VERSAO).is_some() {
        let limit = format!("versao deve ter no máximo {MAX_VERSAO} caracteres");
        return Err(D::Error::custom(limit));
    }
    Ok(text)
}

/// The known ones, each once: a newer program may have others, of other types too.
fn known_entregas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Entrega>, D::Error> {
    let Value::Array(words) = Value::deserialize(deserializer)? else {
        return Ok(broadcast_only());
    };
    let mut known = Vec::new();
    for entrega in words.iter().filter_map(|word| word.as_str()?.parse().ok()) {
        if !known.contains(&entrega) {
            known.push(entrega);
        }
    }
    Ok(known)
}

fn broadcast_only() -> Vec<Entrega> {
    vec![Entrega::Difusao]
}
