//! Whether this gateway is alive and ready.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::{ClientId, Codigo, ErrorReply, ServerState, Timestamp};
use serde::Serialize;
use service::{Health, HttpError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::GatewayError;
use crate::gateway::Gateway;

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(healthz)).routes(routes!(readyz))
}

/// Situação do programa.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "cliente": "cliente1", "status": "online", "mqtt_conectado": true,
    "timestamp": "2026-11-23T12:00:00.000Z"
}))]
pub(super) struct ProgramStatus {
    /// Seu nome.
    cliente: ClientId,
    /// `online` se está conectado ao broker e inscrito; senão `offline`: responde, mas não alcança
    /// nenhum servidor.
    status: ServerState,
    /// Se está conectado ao broker e inscrito.
    mqtt_conectado: bool,
    /// Seu relógio.
    timestamp: Timestamp,
}

/// Mostra a situação do cliente.
///
/// Seu nome, seu relógio e se está conectado ao broker.
#[utoipa::path(get, path = "/status", operation_id = "get_status", tag = "status", responses(
    (status = 200, body = ProgramStatus, description = "O estado do serviço"),
    (status = 429, body = ErrorReply, description = "requisicoes_demais"),
))]
async fn status(State(gateway): State<Arc<Gateway>>) -> Json<ProgramStatus> {
    let mqtt_conectado = gateway.bus.is_up();
    Json(ProgramStatus {
        cliente: gateway.config.client_id.clone(),
        status: if mqtt_conectado { ServerState::Online } else { ServerState::Offline },
        mqtt_conectado,
        timestamp: service::now(),
    })
}

/// Diz se o programa vive.
///
/// Vivo: o programa responde, tenha ou não um broker.
#[utoipa::path(get, path = "/healthz", tag = "status", responses((status = 200, body = Health, description = "Está bem")))]
async fn healthz() -> Json<Health> {
    Json(Health::OK)
}

/// Diz se o programa está pronto.
///
/// Pronto: conectado ao broker e inscrito.
#[utoipa::path(get, path = "/readyz", tag = "status", responses(
    (status = 200, body = Health, description = "Está bem"),
    (status = 503, body = ErrorReply, description = "broker_indisponivel"),
))]
async fn readyz(State(gateway): State<Arc<Gateway>>) -> Result<Json<Health>, HttpError> {
    if gateway.bus.is_up() {
        return Ok(Json(Health::OK));
    }
    Err(match gateway.bus.last_problem() {
        None => GatewayError::BrokerDown.into(),
        Some(problem) => HttpError::new(
            Codigo::BrokerIndisponivel,
            format!("O cliente está sem conexão com o broker MQTT: {problem}."),
        ),
    })
}
