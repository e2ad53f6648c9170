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
pub(super) struct Status {
    /// Seu nome.
    servidor: ServerId,
    /// `online`, já que responde.
    status: ServerState,
    /// Se está conectado ao broker e inscrito.
    mqtt_conectado: bool,
    /// Seu relógio.
    timestamp: Timestamp,
}

fn current(app: &AppState) -> Json<Status> {
    Json(Status {
        servidor: app.server_id.clone(),
        status: ServerState::Online,
        mqtt_conectado: app.bus.is_up(),
        timestamp: app.timestamp(),
    })
}

/// Situação do servidor.
#[utoipa::path(get, path = "/", tag = "status", responses((status = 200, body = Status, description = "O estado do serviço")))]
async fn root(State(app): State<Arc<AppState>>) -> Json<Status> {
    current(&app)
}

/// Situação do servidor.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status, description = "O estado do serviço")))]
async fn status(State(app): State<Arc<AppState>>) -> Json<Status> {
    current(&app)
}

/// Vivo: o programa responde.
#[utoipa::path(get, path = "/healthz", tag = "status", responses((status = 200, body = Health, description = "Está bem")))]
async fn healthz() -> Json<Health> {
    Json(Health::OK)
}

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
        (false, None) => "O servidor ainda não está conectado ao broker MQTT.".to_owned(),
    };
    Err(HttpError::new(Codigo::BrokerIndisponivel, mensagem))
}
