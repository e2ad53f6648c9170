//! Which servidores are there.

use std::str::FromStr;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{ServerId, Timestamp};

/// Whether a servidor is connected to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// Connected and taking commands.
    Online,
    /// Stopped, or its connection broke.
    Offline,
}

/// On which topics a servidor listens for commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entrega {
    /// On `server/…`, which every servidor hears.
    Difusao,
    /// On `server/{server_id}/…`, which only it hears.
    Direta,
}

impl FromStr for Entrega {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::deserialize(StrDeserializer::new(text))
    }
}

/// `server/{server_id}/status`: retained birth and Last Will of a servidor's connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerPresence {
    /// The servidor.
    pub server_id: ServerId,
    /// Whether it is there.
    pub status: ServerState,
    /// When the connection this speaks of began. A late will of an older connection is
    /// recognised by it.
    pub desde: Timestamp,
    /// Version of the servidor's program.
    pub versao: String,
    /// Where it listens; missing in an older program, which then hears broadcasts only.
    #[serde(default = "broadcast_only", deserialize_with = "known_entregas")]
    pub entrega: Vec<Entrega>,
}

/// Those that are known here; a newer program may have more.
fn known_entregas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Entrega>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    Ok(words.iter().filter_map(|word| word.parse().ok()).collect())
}

fn broadcast_only() -> Vec<Entrega> {
    vec![Entrega::Difusao]
}

impl ServerPresence {
    /// Reads a retained status.
    ///
    /// # Errors
    /// It is not a presence message.
    pub fn from_json(payload: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }
}
