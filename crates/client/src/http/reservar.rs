//! Reserving a posto.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::{
    AppId, BadMessage, ErrorReply, FieldError, KeyedCall, RequestId, ReservaReply, ReservarBody,
    read_body,
};
use service::failpoints::{Bug, has};
use service::{HttpError, RawJson};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::answer;
use super::app::App;
use crate::gateway::Gateway;

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(reserve))
}

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// A shorter one may be guessed, and with it the `request_id` of the reserva.
const MIN_KEY: usize = 16;
const MAX_KEY: usize = 255;

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, BadMessage> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let text = key.to_str().unwrap_or_default().trim();
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let min = if has(Bug::ShortKeys) { 1 } else { MIN_KEY };
    if keys.next().is_some() || !(min..=MAX_KEY).contains(&text.len()) || !visible {
        return Err(BadMessage::Fields(vec![FieldError {
            campo: IDEMPOTENCY_KEY.to_owned(),
            mensagem: format!(
                "deve vir uma vez só, com {MIN_KEY} a {MAX_KEY} caracteres ASCII visíveis; use um \
                 valor aleatório, como um UUID"
            ),
        }]));
    }
    Ok(Some(text))
}

/// Reserva um posto para um carro.
///
/// Com o cabeçalho `Idempotency-Key`, repetir a requisição não reserva de novo: a primeira
/// resposta é dada outra vez. A chave deve ser aleatória (um UUID, por exemplo): quem a conhece pode
/// consultar e cancelar a reserva.
#[utoipa::path(post, path = "/reservar", operation_id = "reserve",
    tag = "reservas", request_body = ReservarBody,
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, min_length = 16,
        max_length = 255, description = "Torna a repetição segura. Um valor aleatório, novo para \
        cada pedido: um UUID", example = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b11")),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_ja_reservado_para_este_carro, \
            posto_reservado, posto_indisponivel, posto_em_manutencao, limite_de_reservas"),
        (status = 422, body = ErrorReply,
            description = "requisicao_invalida, chave_idempotencia_reutilizada"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
async fn reserve(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    headers: HeaderMap,
    RawJson(body): RawJson,
) -> Result<Response, HttpError> {
    let key = idempotency_key(&headers)?;
    let body: ReservarBody = read_body(&body)?;
    // The servidor recognises a repeat by this id, through whichever gateway it comes.
    let server_id = body.server_id.clone();
    let request_id = key.map_or_else(RequestId::new, |key| {
        let app = app.as_ref().map(AppId::as_str);
        RequestId::from_idempotency_key(app, KeyedCall::Reservar, &server_id, key)
    });
    let outcome = gateway.reserve(request_id.clone(), app, body).await;
    Ok(answer(request_id, server_id, outcome))
}
