//! Listing postos.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::{ErrorReply, Page, PostosFilter, PostosReply, RequestId, ServerId, fields};
use service::{Params, answer_with_etag, body_of_parts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{CommandErrors, answer, with_log_fields};
use crate::gateway::{Gateway, ListingAnswer};

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
    params(PostosQuery, ("If-None-Match" = Option<String>, Header, nullable = false,
        description = "O `ETag` da lista que já se tem", example = "W/\"4e1243bd22c66e76c2ba9eddc1f91394\"")),
    responses(
        (status = 200, body = PostosReply, description = "Os postos do servidor"),
        (status = 304, description = "O servidor confirma que são os mesmos postos, por `If-None-Match`"),
        (status = 429, body = ErrorReply, description = "requisicoes_demais"),
        CommandErrors,
    )
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    Params(PostosQuery { server_id, filter, page }): Params<PostosQuery>,
) -> Response {
    let request_id = RequestId::new();
    let listing = match gateway.list_postos(&request_id, server_id.clone(), filter, page).await {
        Ok(ListingAnswer::Listing(listing)) => listing,
        Ok(ListingAnswer::Other(reply)) => return answer(request_id, server_id, Ok(reply)),
        Err(error) => return answer(request_id, server_id, Err(error)),
    };
    let body = || body_of_parts(listing.body(&request_id));
    let response = answer_with_etag(&headers, &listing.etag, body);
    with_log_fields(response, request_id, server_id, None)
}
