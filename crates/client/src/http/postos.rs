//! Listing postos.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::{ErrorReply, Page, PostosFilter, PostosReply, RequestId, ServerId, fields};
use service::Params;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::answer;
use crate::gateway::Gateway;

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(list))
}

fields! {
    pub(super) struct PostosQuery {
        /// O servidor a quem se pergunta.
        server_id: ServerId,
        /// Quais postos.
        filter: PostosFilter,
        /// Que página; sem `limite` e sem `apos`, a lista toda.
        page: Page,
    }
}

/// Lista os postos de um servidor.
///
/// A lista toda é de um só momento. Com `limite` ou `apos` vem uma página; páginas da mesma `versao`
/// formam uma só lista.
#[utoipa::path(get, path = "/postos", operation_id = "list_postos", tag = "postos",
    params(PostosQuery),
    responses(
        (status = 200, body = PostosReply, description = "Os postos do servidor"),
        (status = 503, body = ErrorReply,
            description = "servidor_indisponivel, broker_indisponivel, sobrecarregado"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    Params(PostosQuery { server_id, filter, page }): Params<PostosQuery>,
) -> Response {
    let request_id = RequestId::new();
    let outcome = gateway.list_postos(request_id.clone(), server_id.clone(), filter, page).await;
    answer(request_id, server_id, outcome)
}
