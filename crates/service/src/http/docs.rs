//! `/docs` and `/openapi.json`.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use protocol::Codigo;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa_swagger_ui::SwaggerUi;

use super::HttpError;
use super::health::is_probe;
use super::unexpected::takes_anything;

/// The routes of the document and of the pages that show it.
pub(super) fn pages(openapi: OpenApi) -> Router {
    let pages = Router::from(SwaggerUi::new("/docs").url("/openapi.json", openapi));
    pages.layer(middleware::map_response(known_file))
}

/// A file that Swagger UI does not have is an unknown route.
async fn known_file(response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND => HttpError::general(Codigo::RotaInexistente).into_response(),
        _ => response,
    }
}

/// Completes a document: a parameter that is in the path is marked as such, and each call gets the
/// errors that all such calls have, unless it documents that status itself. `unavailable` are the
/// codes of a 503. The document must have the schema `ErrorReply`.
pub fn complete_document(openapi: &mut OpenApi, unavailable: &str) {
    for (path, item) in &mut openapi.paths.paths {
        let writes = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in writes.into_iter().flatten() {
            document(operation, Codigo::TempoEsgotado, "tempo_esgotado");
        }
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter
                    && path.contains(&format!("{{{}}}", parameter.name))
                {
                    parameter.parameter_in = ParameterIn::Path;
                }
            }
            if operation.request_body.is_some() {
                document(operation, Codigo::CorpoGrandeDemais, "corpo_grande_demais");
                document(operation, Codigo::TipoNaoSuportado, "tipo_nao_suportado");
            }
            if !takes_anything(path) {
                document(operation, Codigo::RequisicaoInvalida, "requisicao_invalida");
            }
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
