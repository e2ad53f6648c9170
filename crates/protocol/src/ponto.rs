//! Chargers speaking of themselves, and what a servidor tells of its postos.
//!
//! On these topics the seed says `ponto` for what is a posto everywhere else.

use serde::{Deserialize, Serialize};

use crate::{BadMessage, Checker, Loose, ServerId, Timestamp, read_object};

/// `pontos/{posto_id}/disponibilidade`: a charger goes in or out of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PontoDisponibilidade {
    /// The charger's operator; posto ids repeat across servidores, so it is required.
    pub server_id: ServerId,
    /// The posto.
    pub ponto_id: i64,
    /// Whether it is in service.
    pub disponivel: bool,
    /// Whether it is in maintenance; left out, that stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub em_manutencao: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PontoDisponibilidadeFields {
    server_id: Loose<ServerId>,
    ponto_id: Loose<i64>,
    disponivel: Loose<bool>,
    em_manutencao: Loose<bool>,
}

impl PontoDisponibilidade {
    /// Reads a payload that came on the topic of `topic_posto_id`.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(payload: &[u8], topic_posto_id: &str) -> Result<Self, BadMessage> {
        let fields: PontoDisponibilidadeFields = read_object(payload)?;
        let mut checker = Checker::new();
        let server_id = checker.required("server_id", fields.server_id);
        let ponto_id = checker.positive_id("ponto_id", fields.ponto_id);
        if let Some(id) = ponto_id
            && topic_posto_id != id.to_string()
        {
            checker.wrong("ponto_id", format!("deve ser o mesmo do tópico ({topic_posto_id})"));
        }
        let disponivel = checker.required("disponivel", fields.disponivel);
        let em_manutencao = checker.optional("em_manutencao", fields.em_manutencao);
        let message =
            server_id.zip(ponto_id).zip(disponivel).map(|((server_id, ponto_id), disponivel)| {
                Self { server_id, ponto_id, disponivel, em_manutencao }
            });
        checker.finish(message)
    }
}

/// `pontos/{posto_id}/status`: the state of a posto, told on every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PontoStatus {
    /// The servidor that tells it.
    pub server_id: ServerId,
    /// The posto.
    pub ponto_id: i64,
    /// Whether it can be used at this moment.
    pub disponivel: bool,
    /// Whether it is in maintenance.
    pub em_manutencao: bool,
    /// When this was so.
    pub timestamp: Timestamp,
}
