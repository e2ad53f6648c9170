//! Whether this servidor is alive and ready.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::{Codigo, ErrorReply, ServerId, ServerState, Timestamp};
use serde::Serialize;
use service::{Health, HttpError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app_state::AppState;
use crate::failure::Failure;

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(root))
        .routes(routes!(status))
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Situação do programa.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "servidor": "server1", "status": "online", "mqtt_conectado": true,
    "timestamp": "2026-11-23T12:00:00.000Z"
}))]
pub(super) struct ProgramStatus {
    /// Seu nome.
    servidor: ServerId,
    /// `online`, já que responde.
    status: ServerState,
    /// Se está conectado ao broker e inscrito.
    mqtt_conectado: bool,
    /// Seu relógio.
    timestamp: Timestamp,
}

/// What is said of a broker that was not reached yet.
pub(super) const NO_BROKER: &str = "O servidor ainda não está conectado ao broker MQTT.";

fn current(app: &AppState) -> Json<ProgramStatus> {
    Json(ProgramStatus {
        servidor: app.server_id.clone(),
        status: ServerState::Online,
        mqtt_conectado: app.bus.is_up(),
        timestamp: app.now().into(),
    })
}

/// Mostra a situação do servidor.
///
/// O mesmo que `GET /status`.
#[utoipa::path(get, path = "/", operation_id = "get_root", tag = "status", responses((status = 200, body = ProgramStatus, description = "O estado do serviço")))]
async fn root(State(app): State<Arc<AppState>>) -> Json<ProgramStatus> {
    current(&app)
}

/// Mostra a situação do servidor.
///
/// Seu nome, seu relógio e se está conectado ao broker.
#[utoipa::path(get, path = "/status", operation_id = "get_status", tag = "status", responses((status = 200, body = ProgramStatus, description = "O estado do serviço")))]
async fn status(State(app): State<Arc<AppState>>) -> Json<ProgramStatus> {
    current(&app)
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
/// Pronto: conectado ao broker e inscrito, e o banco de dados lê e grava.
#[utoipa::path(get, path = "/readyz", tag = "status", responses(
    (status = 200, body = Health, description = "Está bem"),
    (status = 503, body = ErrorReply, description = "broker_indisponivel, servidor_indisponivel"),
))]
async fn readyz(State(app): State<Arc<AppState>>) -> Result<Json<Health>, HttpError> {
    app.read(app.store.postos_by_id(&[], app.now())).await?;
    if !app.store.is_writable() {
        return Err(Failure::Unavailable(app.server_id.clone()).into());
    }
    let problem = app.bus.last_problem();
    let mensagem = match (app.bus.is_up(), problem) {
        (true, None) => return Ok(Json(Health::OK)),
        (true, Some(problem)) => {
            format!("O servidor está conectado ao broker MQTT, mas não é visto: {problem}.")
        }
        (false, Some(problem)) => {
            format!("O servidor não está conectado ao broker MQTT: {problem}.")
        }
        (false, None) => NO_BROKER.to_owned(),
    };
    Err(HttpError::new(Codigo::BrokerIndisponivel, mensagem))
}
