//! The operator's HTTP API. One file for each kind of resource.

mod auditoria;
mod author;
mod carregamentos;
mod carros;
mod estatisticas;
mod export;
mod file;
mod import;
mod maintenance;
mod page;
mod painel;
mod path;
mod postos;
mod reservas;
mod status;
mod tokens;

use std::sync::Arc;

use axum::Router;
use domain::Rejection;
use protocol::{Codigo, ErrorReply, ServerId};
use service::{Access, CorsOrigins, Documentation, HttpError, HttpMetrics, OptionalLayers, Routes};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::admin_tokens;
use crate::app_state::AppState;
use crate::failure::Failure;

/// Admin requests in flight at once; an operator's console needs far fewer.
const MAX_IN_FLIGHT: usize = 512;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Servidor de postos de carregamento",
        description = "API administrativa de um servidor: postos, reservas, carros e carregamentos. \
            O que precisa de um token o diz; `server token` mostra o do servidor, e faz outros. \
            As mensagens MQTT estão em [`asyncapi.json`](../asyncapi.json)."
    ),
    tags(
        (name = "postos", description = "Os postos deste servidor"),
        (name = "carregamentos", description = "Os carros que carregam ou carregaram"),
        (name = "carros", description = "Os carros que este servidor conhece"),
        (name = "reservas", description = "As reservas de seus postos"),
        (name = "estatisticas", description = "O que aconteceu nos postos, em números"),
        (name = "auditoria", description = "O que foi mudado, e por quem"),
        (name = "tokens", description = "Quem pode usar esta API"),
        (name = "status", description = "Como está este servidor"),
    ),
    components(schemas(ErrorReply))
)]
struct Description;

/// All routes, with their documentation.
pub(crate) fn router(
    app: Arc<AppState>,
    cors: &CorsOrigins,
    access: Access,
    metrics: HttpMetrics,
) -> Router {
    let extras = OptionalLayers { limit: None, pages: Some(painel::routes(&app)) };
    let public = Router::from(public_routes()).with_state(Arc::clone(&app));
    let protected = Router::from(protected_routes()).with_state(app);
    let routes = Routes { public, protected };
    let documentation = Documentation { operations: operations(), document: openapi };
    service::build_router(routes, &documentation, MAX_IN_FLIGHT, cors, access, metrics, extras)
}

fn operations() -> utoipa::openapi::OpenApi {
    let mut openapi = public_routes().into_openapi();
    openapi.merge(painel::documented().into_openapi());
    let mut protected = protected_routes().into_openapi();
    service::require_token(&mut protected);
    openapi.merge(protected);
    openapi
}

/// The OpenAPI document of the admin API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut openapi = operations();
    service::refuse_foreign_pages(&mut openapi);
    let unavailable = "servidor_indisponivel, sobrecarregado";
    service::complete_document(&mut openapi, unavailable, own_example);
    openapi
}

/// What everybody may call (docs/decisions/0066).
fn public_routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(status::router())
        .merge(postos::public_routes())
}

fn protected_routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .merge(postos::protected_routes())
        .merge(maintenance::router())
        .merge(carregamentos::router())
        .merge(carros::router())
        .merge(reservas::router())
        .merge(import::router())
        .merge(export::router())
        .merge(estatisticas::router())
        .merge(auditoria::router())
        .merge(tokens::router())
}

/// The errors as the operation with this id answers them, where no command has an id, in the examples
/// of the document.
fn own_example(operation_id: &str, codigo: Codigo) -> Option<ErrorReply> {
    let server_id: ServerId = "server1".parse().ok()?;
    let corrects = operation_id == "correct_carregamento";
    let failure = match codigo {
        Codigo::CarregamentoInexistente if corrects => {
            let server_id = server_id.to_string();
            Failure::Rejected(Rejection::CarregamentoDesconhecido { id: 1, server_id })
        }
        Codigo::CarroEmCarregamento if corrects => {
            Failure::Rejected(Rejection::CarregamentoAberto { id: 1 })
        }
        Codigo::ServidorIndisponivel => Failure::Unavailable(server_id),
        // Of what an operator asks for, only a cancellation expires before it is carried out.
        Codigo::TempoEsgotado if operation_id == "cancel_reserva" => Failure::Expired,
        Codigo::TempoEsgotado => Failure::InDoubt(server_id),
        Codigo::ReservaInexistente => Failure::Rejected(Rejection::ReservaInexistente {
            reserva: "1".to_owned(),
            server_id: server_id.to_string(),
        }),
        _ => {
            let mut reply = codigo.example();
            reply.request_id = None;
            let is_import = operation_id == "import_postos";
            reply.mensagem = match codigo {
                Codigo::BrokerIndisponivel => status::NO_BROKER.to_owned(),
                Codigo::NaoAutenticado => service::missing_token(admin_tokens::HELP),
                Codigo::CorpoGrandeDemais if is_import => service::too_long_file(),
                Codigo::TipoNaoSuportado if is_import => service::no_file_of(&import::TYPES),
                _ => reply.mensagem,
            };
            return Some(reply);
        }
    };
    Some(admin_reply(failure))
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        Self::from(admin_reply(failure))
    }
}

fn admin_reply(failure: Failure) -> ErrorReply {
    if let Failure::InDoubt(server_id) = &failure {
        let mensagem = format!(
            "O disco do servidor {server_id} falhou durante a gravação, e ainda não se sabe se ela \
             foi feita. Veja em GET /auditoria, ou na própria lista, antes de pedir de novo."
        );
        return ErrorReply::new(None, failure.codigo(), mensagem);
    }
    failure.into_reply(None)
}
