//! What became of a reservation request, and cancelling it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use protocol::{
    Checker, ErrorReply, InvalidId, Loose, RequestId, ReservaRef, ReservaReply, ServerId,
};
use service::{HttpError, Path, QueryParams};

use super::answer::answer;
use super::postos::server_id;
use crate::gateway::Gateway;

/// Names the reserva: the path says which request made it, the query at which servidor.
fn reserva_ref(
    gateway: &Gateway,
    request_id: &RequestId,
    path: &str,
    mut params: QueryParams,
) -> Result<ReservaRef, HttpError> {
    let mut checker = Checker::new();
    let asked =
        path.parse().map_or_else(|error: InvalidId| Loose::Wrong(error.to_string()), Loose::Value);
    let asked = checker.required("request_id", asked);
    let server_id = server_id(&mut params, &mut checker);
    let message = asked.zip(server_id).map(|(reserva_request_id, server_id)| ReservaRef {
        request_id: request_id.clone(),
        client_id: gateway.client_id.clone(),
        server_id,
        reserva_request_id,
    });
    Ok(checker.finish(message)?)
}

/// Diz o que foi feito de uma requisição de reserva.
///
/// Uma requisição recusada é respondida como foi então; uma atendida, com a reserva como está
/// agora. É assim que se resolve um `504 tempo_esgotado`.
#[utoipa::path(get, path = "/reservas/{request_id}", operation_id = "get_reserva", tag = "reservas",
    params(
        ("request_id" = RequestId, Path, description = "O request_id da reserva"),
        ("server_id" = ServerId, Query, description = "Servidor", example = "server1"),
    ),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente, posto_inexistente"),
        (status = 409, body = ErrorReply, description = "A recusa dada à requisição"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Extension(request_id): Extension<RequestId>,
    Path(asked): Path<String>,
    params: QueryParams,
) -> Result<Response, HttpError> {
    let asked = reserva_ref(&gateway, &request_id, &asked, params)?;
    Ok(answer(request_id, gateway.consult(asked).await))
}

/// Cancela uma reserva; cancelar duas vezes é o mesmo que uma.
#[utoipa::path(post, path = "/reservas/{request_id}/cancelar", operation_id = "cancel_reserva",
    tag = "reservas",
    params(
        ("request_id" = RequestId, Path, description = "O request_id da reserva"),
        ("server_id" = ServerId, Query, description = "Servidor", example = "server1"),
    ),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente"),
        (status = 409, body = ErrorReply, description = "reserva_encerrada"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
pub(super) async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    Extension(request_id): Extension<RequestId>,
    Path(asked): Path<String>,
    params: QueryParams,
) -> Result<Response, HttpError> {
    let asked = reserva_ref(&gateway, &request_id, &asked, params)?;
    Ok(answer(request_id, gateway.cancel(asked).await))
}
