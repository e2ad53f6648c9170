//! The operator's HTTP API. One file for each kind of resource.

mod carregamentos;
mod carros;
mod postos;
mod reservas;
mod status;

use axum::Router;
use protocol::{ErrorReply, FieldValue, Invalid, Scalar, Timestamp};
use service::HttpError;
use utoipa::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::failure::Failure;
use crate::servidor::Servidor;
use crate::store::{StoreError, WriteError};

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
pub(crate) fn router(servidor: Servidor) -> Router {
    let (router, openapi) = routes().split_for_parts();
    service::finish(router.with_state(servidor), openapi, MAX_IN_FLIGHT)
}

/// The OpenAPI document of the admin API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<Servidor> {
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

impl Servidor {
    fn write_error(&self, error: WriteError) -> HttpError {
        Failure::from_write(error, &self.id).into()
    }

    fn read_error(&self, error: &StoreError) -> HttpError {
        self.cannot_read(error).into()
    }

    fn timestamp(&self) -> Timestamp {
        crate::wire::timestamp(self.now())
    }
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        Self::from(failure.into_reply(None))
    }
}

/// How many rows a page has.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PageSize(i64);

impl PageSize {
    const MAX: i64 = 500;

    /// A page and one row more: if that exists, another page follows.
    fn with_next(self) -> i64 {
        self.0 + 1
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

impl FieldValue for PageSize {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid> {
        let size = scalar.integer()?;
        if !(1..=Self::MAX).contains(&size) {
            return Err(Invalid(format!("deve estar entre 1 e {}", Self::MAX)));
        }
        Ok(Self(size))
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Integer(self.0)
    }

    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(integer)) = i64::schema() else { return i64::schema() };
        ObjectBuilder::from(integer).minimum(Some(1)).maximum(Some(Self::MAX)).into()
    }
}

/// The rows of a page, from those read [with the next](PageSize::with_next), and the name of its
/// last one if another page follows.
fn page<T, N>(mut found: Vec<T>, size: PageSize, name: impl Fn(&T) -> N) -> (Vec<T>, Option<N>) {
    let more = found.len() as i64 > size.0;
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(name);
    (found, next)
}
