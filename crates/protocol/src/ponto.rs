//! What chargers report, and what a servidor publishes about its postos.
//!
//! On these topics a posto is called `ponto`.

use domain::RowId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::read_json_with;
use crate::{BadMessage, Field, ServerId, Timestamp, fields};

fields! {
    /// Um carregador entra em serviço ou sai dele.
    #[example({"server_id": "server1", "ponto_id": 5, "disponivel": false, "em_manutencao": true})]
    pub struct PontoDisponibilidade {
        /// O servidor do carregador: números de postos se repetem entre servidores.
        server_id: ServerId,
        /// O posto, como no tópico.
        ponto_id: RowId,
        /// Se está em serviço.
        disponivel: bool,
        /// Se está em manutenção; se não vier, fica como está.
        em_manutencao: Option<bool>,
    }
}

impl PontoDisponibilidade {
    /// Reads a payload that came on the topic of `topic_posto_id`. A topic that names its servidor too
    /// need not be followed by a payload that does.
    pub fn from_json(
        payload: &[u8],
        topic_posto_id: &str,
        topic_server_id: Option<&ServerId>,
    ) -> Result<Self, BadMessage> {
        read_json_with::<Self>(payload, |raw| {
            if matches!(raw.server_id, None | Some(Field::Missing)) {
                raw.server_id = topic_server_id.cloned().map(Field::Value);
            }
            if let Some(Field::Value(id)) = raw.ponto_id
                && id.get().to_string() != topic_posto_id
            {
                let reason = format!("deve ser o mesmo do tópico ({topic_posto_id})");
                raw.ponto_id = Some(Field::Invalid(reason));
            }
        })
    }
}

/// A situação de um posto, publicada a cada mudança.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "server_id": "server1", "ponto_id": 5, "disponivel": false, "em_manutencao": true,
    "timestamp": "2026-11-23T12:00:00.000Z"
}))]
pub struct PontoStatus {
    /// O servidor do posto.
    pub server_id: ServerId,
    /// O posto, como no tópico.
    pub ponto_id: i64,
    /// Se pode ser usado neste momento.
    pub disponivel: bool,
    /// Se está em manutenção.
    pub em_manutencao: bool,
    /// Quando era assim.
    pub timestamp: Timestamp,
}
