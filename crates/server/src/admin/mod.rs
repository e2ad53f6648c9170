//! The operator's HTTP API. One file for each kind of resource.

mod carregamentos;
mod carros;
mod export;
mod file;
mod import;
mod page;
mod postos;
mod reservas;
mod status;

use std::sync::Arc;

use axum::Router;
use domain::Rejection;
use protocol::{Codigo, ErrorReply, ServerId, Timestamp};
use service::{Access, CorsOrigins, HttpError, Routes};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app_state::AppState;
use crate::failure::Failure;

/// Admin requests in flight at once; an operator's console needs far fewer.
const MAX_IN_FLIGHT: usize = 512;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Servidor de postos de carregamento",
        description = "API administrativa de um servidor: postos, reservas, carros e carregamentos. \
            As mensagens MQTT estão em [`asyncapi.json`](../asyncapi.json)."
    ),
    tags(
        (name = "postos", description = "Os postos deste servidor"),
        (name = "carregamentos", description = "Os carros que carregam ou carregaram"),
        (name = "carros", description = "Os carros que este servidor conhece"),
        (name = "reservas", description = "As reservas de seus postos"),
        (name = "status", description = "Como está este servidor"),
    ),
    components(schemas(ErrorReply))
)]
struct Description;

/// All routes, with their documentation.
pub(crate) fn router(app: Arc<AppState>, cors: &CorsOrigins) -> Router {
    let (router, openapi) = routes().split_for_parts();
    let routes = Routes { public: router.with_state(app), protected: Router::new() };
    service::finish(routes, openapi, MAX_IN_FLIGHT, cors, Access::Everybody)
}

/// The OpenAPI document of the admin API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Arc<AppState>> {
    let mut routes = OpenApiRouter::with_openapi(Description::openapi())
        .merge(status::router())
        .merge(postos::router())
        .merge(carregamentos::router())
        .merge(carros::router())
        .merge(reservas::router())
        .merge(import::router())
        .merge(export::router());
    let unavailable = "servidor_indisponivel, sobrecarregado";
    service::complete_document(routes.get_openapi_mut(), unavailable, own_example);
    routes
}

/// The errors as this API answers them, where no command has an id, in the examples of the document.
fn own_example(codigo: Codigo) -> Option<ErrorReply> {
    let server_id: ServerId = "server1".parse().ok()?;
    let failure = match codigo {
        Codigo::ServidorIndisponivel => Failure::Unavailable(server_id),
        Codigo::TempoEsgotado => Failure::Expired,
        Codigo::ReservaInexistente => Failure::Rejected(Rejection::ReservaInexistente {
            reserva: "1".to_owned(),
            server_id: server_id.to_string(),
        }),
        _ => {
            let mut reply = codigo.example();
            reply.request_id = None;
            if codigo == Codigo::BrokerIndisponivel {
                reply.mensagem = status::NO_BROKER.to_owned();
            }
            return Some(reply);
        }
    };
    Some(failure.into_reply(None))
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
