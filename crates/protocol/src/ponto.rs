//! What chargers report, and what a servidor publishes about its postos.
//!
//! On these topics a posto is called `ponto`.

use domain::RowId;
use serde::{Deserialize, Serialize};

use crate::fields::read_json_with;
use crate::{BadMessage, Field, ServerId, Timestamp, fields};

fields! {
    /// `pontos/{posto_id}/disponibilidade`: a charger goes in or out of service.
    pub struct PontoDisponibilidade {
        /// The charger's operator: posto ids repeat across servidores.
        server_id: ServerId,
        ponto_id: RowId,
        disponivel: bool,
        /// Left out, it stays as it is.
        em_manutencao: Option<bool>,
    }
}

impl PontoDisponibilidade {
    /// Reads a payload that came on the topic of `topic_posto_id`.
    pub fn from_json(payload: &[u8], topic_posto_id: &str) -> Result<Self, BadMessage> {
        read_json_with::<Self>(payload, |raw| {
            if let Some(Field::Value(id)) = raw.ponto_id
                && id.get().to_string() != topic_posto_id
            {
                let reason = format!("deve ser o mesmo do tópico ({topic_posto_id})");
                raw.ponto_id = Some(Field::Invalid(reason));
            }
        })
    }
}

/// `pontos/{posto_id}/status`: the state of a posto, published on every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PontoStatus {
    pub server_id: ServerId,
    pub ponto_id: i64,
    /// Whether it can be used at this moment.
    pub disponivel: bool,
    pub em_manutencao: bool,
    /// When this was so.
    pub timestamp: Timestamp,
}
