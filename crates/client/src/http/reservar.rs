//! Reserving a posto.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::{ErrorReply, EstimativaReply, KeyedCall, RequestId, ReservaReply, ReservarBody};
use service::{HttpError, JsonBody, both_parts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{CommandErrors, answer};
use super::app::App;
use super::idempotency::{KeyHeader, KeyHeaders};
use crate::gateway::Gateway;

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(reserve)).routes(routes!(estimate))
}

/// Reserva um posto para um carro.
///
/// Com o cabeçalho `Idempotency-Key`, repetir a requisição não reserva de novo: a primeira
/// resposta é dada outra vez, ou 404 `reserva_inexistente`, se o operador já esqueceu o carro dela. A
/// chave deve ser aleatória (um UUID, por exemplo): quem a conhece pode consultar, alterar e cancelar a
/// reserva.
#[utoipa::path(post, path = "/reservar", operation_id = "reserve",
    tag = "reservas", request_body = ReservarBody,
    params(KeyHeader),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "posto_inexistente, reserva_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_ja_reservado_para_este_carro, \
            posto_reservado, posto_indisponivel, posto_em_manutencao, limite_de_reservas"),
        (status = 422, body = ErrorReply,
            description = "requisicao_invalida, chave_idempotencia_reutilizada"),
        CommandErrors,
    )
)]
async fn reserve(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    keys: KeyHeaders,
    body: Result<JsonBody, HttpError>,
) -> Result<Response, HttpError> {
    let key = keys.key().map_err(HttpError::from);
    let (key, body) = both_parts(key, body.and_then(JsonBody::read::<ReservarBody>))?;
    let server_id = body.server_id.clone();
    let request_id = key.request_id(app.as_ref(), KeyedCall::Reservar, &server_id);
    let outcome = gateway.reserve(request_id.clone(), app, body).await;
    Ok(answer(request_id, server_id, outcome))
}

/// Estima o que uma reserva pediria e custaria, sem reservar.
///
/// O corpo é o de `POST /reservar`. Nada é reservado nem guardado, e a resposta vale para este
/// instante: o posto pode ser de outro logo depois. Um posto que não está livre, ou está fora de
/// serviço, é respondido com `disponivel_no_periodo: false`.
#[utoipa::path(post, path = "/estimativa", operation_id = "estimate",
    tag = "reservas", request_body = ReservarBody,
    responses(
        (status = 200, body = EstimativaReply, description = "A estimativa"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
        CommandErrors,
    )
)]
async fn estimate(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    body: JsonBody,
) -> Result<Response, HttpError> {
    let body: ReservarBody = body.read()?;
    let (request_id, server_id) = (RequestId::new(), body.server_id.clone());
    let outcome = gateway.estimate(request_id.clone(), app, body).await;
    Ok(answer(request_id, server_id, outcome))
}
