//! Whether this servidor is alive and ready.

use axum::Json;
use axum::extract::State;
use protocol::{Codigo, ErrorReply, ServerId, ServerState, Timestamp};
use serde::Serialize;
use service::{Health, HttpError};
use utoipa::ToSchema;

use crate::failure::Failure;
use crate::servidor::Servidor;

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

fn current(servidor: &Servidor) -> Json<Status> {
    Json(Status {
        servidor: servidor.id.clone(),
        status: ServerState::Online,
        mqtt_conectado: servidor.bus.is_up(),
        timestamp: servidor.timestamp(),
    })
}

/// Situação do servidor.
#[utoipa::path(get, path = "/", tag = "status", responses((status = 200, body = Status, description = "O estado do serviço")))]
pub(super) async fn root(State(servidor): State<Servidor>) -> Json<Status> {
    current(&servidor)
}

/// Situação do servidor.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status, description = "O estado do serviço")))]
pub(super) async fn status(State(servidor): State<Servidor>) -> Json<Status> {
    current(&servidor)
}

/// Vivo: o programa responde.
#[utoipa::path(get, path = "/healthz", tag = "status", responses((status = 200, body = Health, description = "Está bem")))]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health::OK)
}

/// Pronto: conectado ao broker e inscrito, e o banco de dados lê e grava.
#[utoipa::path(get, path = "/readyz", tag = "status", responses(
    (status = 200, body = Health, description = "Está bem"),
    (status = 503, body = ErrorReply, description = "broker_indisponivel, servidor_indisponivel"),
))]
pub(super) async fn readyz(State(servidor): State<Servidor>) -> Result<Json<Health>, HttpError> {
    servidor
        .store
        .postos_by_id(&[], servidor.now())
        .await
        .map_err(|error| servidor.read_error(&error))?;
    if !servidor.store.is_writable() {
        return Err(Failure::Unavailable(servidor.id.clone()).into());
    }
    if !servidor.bus.is_up() {
        let mensagem = "O servidor ainda não está conectado ao broker MQTT.".to_owned();
        return Err(HttpError::new(Codigo::BrokerIndisponivel, mensagem));
    }
    Ok(Json(Health::OK))
}
