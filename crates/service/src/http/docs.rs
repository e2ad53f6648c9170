//! What `/docs` and `/openapi.json` tell.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use protocol::Codigo;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa_swagger_ui::SwaggerUi;

use super::descriptions::translate;
use super::{HttpError, is_probe};

/// The document and the pages that show it.
pub(super) fn pages(openapi: OpenApi) -> Router {
    let pages = Router::from(SwaggerUi::new("/docs").url("/openapi.json", openapi));
    pages.layer(middleware::map_response(known_file))
}

/// A file that Swagger UI does not have is a route that we do not have.
async fn known_file(response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND => HttpError::unknown_route().into_response(),
        _ => response,
    }
}

/// Completes a document: every description in the language of its readers, and what any call may
/// come to when the fault is not its caller's: 500, and 503 with the codes of `unavailable`, where
/// the call does not say better itself. The document has to have the schema `ErrorReply`.
pub fn complete_document(openapi: &mut OpenApi, unavailable: &str) {
    translate(openapi);
    for (path, item) in &mut openapi.paths.paths {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            document(operation, Codigo::ErroInterno, "erro_interno");
            if !is_probe(path) {
                document(operation, Codigo::Sobrecarregado, unavailable);
            }
        }
    }
}

fn document(operation: &mut Operation, like: Codigo, codigos: &str) {
    let status = like.http_status().to_string();
    operation.responses.responses.entry(status).or_insert_with(|| {
        let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorReply")));
        let response = ResponseBuilder::new().description(codigos);
        response.content("application/json", error.build()).build().into()
    });
}
