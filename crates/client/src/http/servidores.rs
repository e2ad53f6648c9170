//! The servidores that were seen.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::{ErrorReply, ServerPresence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Os servidores vistos.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"servidores": [{
    "server_id": "server1", "status": "online", "desde": "2026-11-23T12:00:00.000Z",
    "versao": "0.1.0", "entrega": ["difusao", "direta"]
}]}))]
pub(crate) struct ServidoresList {
    /// Por nome.
    pub(crate) servidores: Vec<ServerPresence>,
}

/// Lista os servidores vistos.
///
/// Cada um está online ou offline, com desde quando. Um servidor que deixou de existir sai da lista
/// quando o operador do broker apaga a mensagem retida em `server/{server_id}/status`.
#[utoipa::path(get, path = "/servidores", operation_id = "list_servidores", tag = "status",
    responses(
        (status = 200, body = ServidoresList, description = "Os servidores já vistos"),
        (status = 429, body = ErrorReply, description = "requisicoes_demais"),
    ))]
async fn list(State(gateway): State<Arc<Gateway>>) -> Json<ServidoresList> {
    Json(ServidoresList { servidores: gateway.servidores() })
}
