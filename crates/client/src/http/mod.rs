//! The HTTP API for drivers' apps. One file for each kind of resource.

mod answer;
mod app;
mod event_stream;
mod eventos;
mod follow_params;
mod idempotency;
mod limit;
pub(crate) mod pages;
mod postos;
mod reservar;
mod reservas;
mod servidores;
mod status;

use std::sync::Arc;

use axum::Router;
use protocol::{Codigo, ErrorReply, PostosReply, ReservaReply};
use service::{Access, Documentation, HttpMetrics, OptionalLayers, Routes};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app_tokens::HOW_TO_GET_ONE;
use crate::error::GatewayError;
use crate::gateway::Gateway;
use pages::Pages;
pub(crate) use servidores::ServidoresList;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cliente de postos de carregamento",
        description = "Consulta e reserva de postos de carregamento em qualquer servidor. \
            As mensagens MQTT estão em [`asyncapi.json`](../asyncapi.json)."
    ),
    tags(
        (name = "postos", description = "Os postos de cada servidor"),
        (name = "reservas", description = "Estimar, reservar, consultar, alterar e cancelar"),
        (name = "eventos", description = "O que muda, no instante em que muda"),
        (name = "páginas", description = "Para pessoas"),
        (name = "status", description = "Como está este cliente, e que servidores ele vê"),
    ),
    components(schemas(ErrorReply, PostosReply, ReservaReply))
)]
struct Description;

/// All routes, with their documentation.
pub(crate) fn router(gateway: Arc<Gateway>, pages: Pages, metrics: HttpMetrics) -> Router {
    let (public, _) = public_routes().split_for_parts();
    let (protected, _) = protected_routes().split_for_parts();
    let (max_in_flight, cors) = (gateway.config.max_in_flight, gateway.config.cors.clone());
    let limit = limit::of_callers(&gateway.config, gateway.tokens.clone());
    let access = match &gateway.tokens {
        Some(tokens) => Access::Tokens(tokens.for_guard()),
        None => Access::Everybody,
    };
    let pages = Arc::new(pages);
    let routes = Routes {
        public: public.with_state(Arc::clone(&gateway)),
        protected: protected.with_state(gateway),
    };
    let extras = OptionalLayers { limit, pages: Some(pages::routes(&pages)) };
    let documentation = Documentation { operations: operations(), document: openapi };
    service::build_router(routes, &documentation, max_in_flight, &cors, access, metrics, extras)
}

fn operations() -> utoipa::openapi::OpenApi {
    let mut protected = protected_routes().into_openapi();
    service::accept_token(&mut protected);
    let mut openapi = public_routes().into_openapi();
    openapi.merge(pages::documented().into_openapi());
    openapi.merge(protected);
    openapi
}

/// The OpenAPI document of the gateway.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut openapi = operations();
    service::complete_document(&mut openapi, "sobrecarregado", own_example);
    openapi
}

/// The errors as this program and the operation with this id answer them, in the examples of the
/// document: without a token, and where it is not known whether a change is made.
fn own_example(operation_id: &str, codigo: Codigo) -> Option<ErrorReply> {
    if codigo == Codigo::NaoAutenticado {
        let mensagem = service::missing_token(HOW_TO_GET_ONE);
        return Some(ErrorReply { mensagem, ..codigo.example() });
    }
    let changes = ["reserve", "change_reserva", "cancel_reserva"].contains(&operation_id);
    if !changes || codigo != Codigo::TempoEsgotado {
        return None;
    }
    let example = codigo.example();
    let server_id = "server1".parse().ok()?;
    let timeout = GatewayError::Timeout { server_id, ask_about: example.request_id.clone() };
    Some(ErrorReply { mensagem: timeout.to_string(), ..example })
}

/// The routes that need no token: their answers say nothing about any person.
fn public_routes() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(postos::router())
        .merge(servidores::router())
        .merge(eventos::public_router())
        .merge(status::router())
}

/// The routes that need the token of an app, if the gateway has tokens.
fn protected_routes() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .merge(reservar::router())
        .merge(reservas::router())
        .merge(eventos::router())
}
