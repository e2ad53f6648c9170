//! What became of a reservation request, changing what it made, and cancelling it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::{
    AlteracaoBody, AppId, ErrorReply, KeyedCall, RequestId, ReservaReply, ServerId, fields,
};
use service::{HttpError, JsonBody, Params, both_parts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{CommandErrors, answer};
use super::app::App;
use super::idempotency::{KeyHeader, KeyHeaders};
use crate::gateway::{Gateway, NamedReserva};

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(get, change)).routes(routes!(cancel))
}

fields! {
    pub(super) struct ReservaParams {
        /// O request_id da reserva.
        request_id: RequestId,
        /// O servidor a quem se pergunta.
        server_id: ServerId,
    }
}

impl ReservaParams {
    pub(super) fn named(self, app: Option<AppId>) -> NamedReserva {
        let Self { request_id, server_id } = self;
        NamedReserva { server_id, request_id, app }
    }
}

/// Diz o que foi feito de uma requisição de reserva, ou de alteração.
///
/// Uma requisição recusada é respondida como foi então; uma atendida, com a reserva como está
/// agora. É assim que se resolve um `504 tempo_esgotado`.
#[utoipa::path(get, path = "/reservas/{request_id}", operation_id = "get_reserva", tag = "reservas",
    params(ReservaParams),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente, posto_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_ja_reservado_para_este_carro, \
            posto_reservado, posto_indisponivel, posto_em_manutencao, limite_de_reservas, \
            reserva_encerrada, reserva_em_uso"),
        CommandErrors,
    )
)]
async fn get(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    Params(params): Params<ReservaParams>,
) -> Response {
    let (request_id, named) = (RequestId::new(), params.named(app));
    let outcome = gateway.consult(request_id.clone(), &named, None).await;
    answer(request_id, named.server_id, outcome)
}

/// Altera o período ou o posto de uma reserva, tudo de uma vez ou nada.
///
/// O que não vem no corpo fica como está, e até a resposta a reserva vale como era. O início de uma
/// reserva que já começou não muda, e de uma cujo carro está carregando só muda o fim. Um período
/// mais longo ou outro posto têm o preço de agora; um mais curto fica com o combinado. A alteração tem o seu
/// próprio `request_id`, na resposta, que só serve para perguntar por ela depois de um `504`: a reserva
/// continua com o dela. Com `Idempotency-Key`, repetir a alteração não altera de novo.
#[utoipa::path(patch, path = "/reservas/{request_id}", operation_id = "change_reserva",
    tag = "reservas", request_body = AlteracaoBody,
    params(ReservaParams, KeyHeader),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva, como foi alterada"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente, posto_inexistente"),
        (status = 409, body = ErrorReply, description = "reserva_encerrada, reserva_em_uso, \
            posto_ja_reservado_para_este_carro, posto_reservado, posto_indisponivel, \
            posto_em_manutencao"),
        (status = 422, body = ErrorReply,
            description = "requisicao_invalida, chave_idempotencia_reutilizada"),
        CommandErrors,
    )
)]
async fn change(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    params: Result<Params<ReservaParams>, HttpError>,
    keys: KeyHeaders,
    body: Result<JsonBody, HttpError>,
) -> Result<Response, HttpError> {
    // Both are of the head. A key is never missing, and no header is a parameter.
    let head = both_parts(params, keys.key());
    let ((Params(params), key), change) =
        both_parts(head, body.and_then(JsonBody::read::<AlteracaoBody>))?;
    let named = params.named(app);
    let request_id = key.request_id(named.app.as_ref(), KeyedCall::Alteracao, &named.server_id);
    let outcome = gateway.change(request_id.clone(), &named, change).await;
    Ok(answer(request_id, named.server_id, outcome))
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
        CommandErrors,
    )
)]
async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    Params(params): Params<ReservaParams>,
) -> Response {
    let (request_id, named) = (RequestId::new(), params.named(app));
    let outcome = gateway.cancel(request_id.clone(), &named).await;
    answer(request_id, named.server_id, outcome)
}
