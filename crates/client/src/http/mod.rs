//! The HTTP API for drivers' apps. One file for each kind of resource.

mod answer;
mod postos;
mod reservar;
mod reservas;
mod servidores;
mod status;

use std::sync::Arc;

use axum::Router;
use protocol::{ErrorReply, PostosReply, ReservaReply};
use service::{Access, Routes};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::gateway::Gateway;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cliente de postos de carregamento",
        description = "Consulta e reserva de postos de carregamento em qualquer servidor. \
            As mensagens MQTT estão em [`asyncapi.json`](../asyncapi.json)."
    ),
    tags(
        (name = "postos", description = "Os postos de cada servidor"),
        (name = "reservas", description = "Reservar, consultar e cancelar"),
        (name = "status", description = "Como está este cliente, e que servidores ele vê"),
    ),
    components(schemas(ErrorReply, PostosReply, ReservaReply))
)]
struct Description;

/// All routes, with their documentation.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let (router, openapi) = routes().split_for_parts();
    let (max_in_flight, cors) = (gateway.config.max_in_flight, gateway.config.cors.clone());
    let routes = Routes { public: router.with_state(gateway), protected: Router::new() };
    service::finish(routes, openapi, max_in_flight, &cors, Access::Everybody)
}

/// The OpenAPI document of the gateway.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Arc<Gateway>> {
    let mut routes = OpenApiRouter::with_openapi(Description::openapi())
        .merge(postos::router())
        .merge(reservar::router())
        .merge(reservas::router())
        .merge(servidores::router())
        .merge(status::router());
    service::complete_document(routes.get_openapi_mut(), "sobrecarregado", |_| None);
    routes
}
