//! What became of a reservation request, and cancelling it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::{AppId, ErrorReply, RequestId, ReservaRef, ReservaReply, ServerId, fields};
use service::Params;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::answer;
use super::app::App;
use crate::gateway::Gateway;

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(cancel))
}

fields! {
    pub(super) struct ReservaParams {
        /// O request_id da reserva.
        request_id: RequestId,
        /// O servidor a quem se pergunta.
        server_id: ServerId,
    }
}

fn reserva_ref(gateway: &Gateway, app: Option<AppId>, params: ReservaParams) -> ReservaRef {
    ReservaRef {
        request_id: RequestId::new(),
        client_id: gateway.config.client_id.clone(),
        app,
        server_id: params.server_id,
        reserva_request_id: params.request_id,
    }
}

/// Diz o que foi feito de uma requisição de reserva.
///
/// Uma requisição recusada é respondida como foi então; uma atendida, com a reserva como está
/// agora. É assim que se resolve um `504 tempo_esgotado`.
#[utoipa::path(get, path = "/reservas/{request_id}", operation_id = "get_reserva", tag = "reservas",
    params(ReservaParams),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente, posto_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_ja_reservado_para_este_carro, \
            posto_reservado, posto_indisponivel, posto_em_manutencao, limite_de_reservas"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
async fn get(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    Params(params): Params<ReservaParams>,
) -> Response {
    let asked = reserva_ref(&gateway, app, params);
    let (request_id, server_id) = (asked.request_id.clone(), asked.server_id.clone());
    answer(request_id, server_id, gateway.consult(asked).await)
}

/// Cancela uma reserva.
///
/// Cancelar duas vezes é o mesmo que uma.
#[utoipa::path(post, path = "/reservas/{request_id}/cancelar", operation_id = "cancel_reserva",
    tag = "reservas",
    params(ReservaParams),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente"),
        (status = 409, body = ErrorReply, description = "reserva_encerrada, reserva_em_uso"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    Params(params): Params<ReservaParams>,
) -> Response {
    let asked = reserva_ref(&gateway, app, params);
    let (request_id, server_id) = (asked.request_id.clone(), asked.server_id.clone());
    answer(request_id, server_id, gateway.cancel(asked).await)
}
