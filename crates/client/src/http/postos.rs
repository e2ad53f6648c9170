//! Listing postos.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use protocol::{Checker, ErrorReply, InvalidId, PostosFilter, PostosReply, RequestId, ServerId};
use service::{HttpError, QueryParams};

use super::answer::answer;
use crate::gateway::Gateway;

/// The required `server_id` of a query.
pub(super) fn server_id(params: &mut QueryParams, checker: &mut Checker) -> Option<ServerId> {
    let text = params.required_text(checker, "server_id")?;
    let id = text.parse().map_err(|error: InvalidId| checker.wrong("server_id", error.to_string()));
    id.ok()
}

/// Lista os postos de um servidor.
#[utoipa::path(get, path = "/postos", operation_id = "list_postos", tag = "postos",
    params(
        ("server_id" = ServerId, Query, description = "Servidor", example = "server1"),
        PostosFilter,
    ),
    responses(
        (status = 200, body = PostosReply, description = "Os postos do servidor"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    Extension(request_id): Extension<RequestId>,
    mut params: QueryParams,
) -> Result<Response, HttpError> {
    let mut checker = Checker::new();
    let server_id = server_id(&mut params, &mut checker);
    let filter = PostosFilter {
        disponivel: params.bool(&mut checker, "disponivel"),
        em_manutencao: params.bool(&mut checker, "em_manutencao"),
        tipo_conector: params
            .text(&mut checker, "tipo_conector")
            .and_then(|text| PostosFilter::check_tipo_conector(&mut checker, &text)),
    };
    let server_id = checker.finish(server_id)?;
    let outcome = gateway.list_postos(request_id.clone(), server_id, filter).await;
    Ok(answer(request_id, outcome))
}
