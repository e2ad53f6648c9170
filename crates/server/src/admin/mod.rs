//! The operator's HTTP API. One file for each kind of resource.

mod carregamentos;
mod carros;
mod page;
mod postos;
mod reservas;
mod status;

use std::sync::Arc;

use axum::Router;
use protocol::{ErrorReply, Timestamp};
use service::HttpError;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app_state::AppState;
use crate::failure::Failure;

/// Admin requests in flight at once; an operator's console needs far fewer.
const MAX_IN_FLIGHT: usize = 512;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Servidor de postos de carregamento",
        description = "API administrativa de um servidor: postos, reservas, carros e carregamentos."
    ),
    components(schemas(ErrorReply))
)]
struct Description;

/// All routes, with their documentation.
pub(crate) fn router(app: Arc<AppState>) -> Router {
    let (router, openapi) = routes().split_for_parts();
    service::finish(router.with_state(app), openapi, MAX_IN_FLIGHT)
}

/// The OpenAPI document of the admin API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Arc<AppState>> {
    let mut routes = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::root))
        .routes(routes!(status::status))
        .routes(routes!(status::healthz))
        .routes(routes!(status::readyz))
        .routes(routes!(postos::list, postos::create))
        .routes(routes!(postos::get, postos::change, postos::remove))
        .routes(routes!(postos::set_disponibilidade))
        .routes(routes!(carregamentos::list, carregamentos::start))
        .routes(routes!(carregamentos::finish))
        .routes(routes!(carros::list))
        .routes(routes!(carros::get))
        .routes(routes!(reservas::list))
        .routes(routes!(reservas::get))
        .routes(routes!(reservas::cancel));
    let unavailable = "servidor_indisponivel, sobrecarregado";
    service::complete_document(routes.get_openapi_mut(), unavailable);
    routes
}

impl AppState {
    fn timestamp(&self) -> Timestamp {
        crate::wire::timestamp(self.now())
    }
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        Self::from(failure.into_reply(None))
    }
}
