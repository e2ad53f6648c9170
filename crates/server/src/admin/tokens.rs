//! Who may use this API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::{Json, middleware};
use domain::{DAY_MS, Moment, TokenPapel};
use protocol::{ErrorReply, Invalid, Timestamp, field_values, fields};
use serde::Serialize;
use service::{HttpError, JsonBody, Params, operators_only};
use tracing::error;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::By;
use crate::admin_tokens::{NAME_RULE, TokensError, is_name, is_new_name, papel, reserved_rule};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::wire;

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
        .route_layer(middleware::from_fn(operators_only))
}

/// Um token, sem o seu texto.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "nome": "painel", "papel": "leitura", "criado_em": "2026-11-23T12:00:00.000Z",
    "ultimo_uso": "2026-11-24"
}))]
struct Token {
    /// Seu nome, que a auditoria mostra.
    nome: String,
    /// `leitura`: só consulta; `operador`: tudo.
    papel: &'static str,
    /// Quando foi feito; nulo no que o operador traz em `ADMIN_TOKEN_FILE`.
    criado_em: Option<Timestamp>,
    /// O último dia em que foi usado desde que o servidor iniciou, em UTC; nulo se em nenhum.
    ultimo_uso: Option<String>,
}

/// Os tokens que valem.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"tokens": [{
    "nome": "inicial", "papel": "operador", "criado_em": "2026-11-23T12:00:00.000Z",
    "ultimo_uso": "2026-11-24"
}]}))]
struct TokensList {
    /// Por nome.
    tokens: Vec<Token>,
}

/// Um token novo, com o seu texto.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "nome": "painel", "papel": "leitura",
    "token": "posto_KzR3b0n4pJ0Yq1mV2tX5wZ8cD7eF6gH9iL0kN1oP2qS"
}))]
struct NewToken {
    /// Seu nome.
    nome: String,
    /// `leitura` ou `operador`.
    papel: &'static str,
    /// O texto a enviar em `Authorization: Bearer`. Nenhuma outra resposta o traz.
    token: String,
}

/// The name of a token.
#[derive(Debug, Clone, PartialEq)]
struct Name(String);

/// The name of one that is to be made.
#[derive(Debug, Clone, PartialEq)]
struct NewName(String);

fn name_schema() -> ObjectBuilder {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]+$"));
    name.min_length(Some(1)).max_length(Some(64))
}

impl Name {
    fn new(text: &str) -> Result<Self, Invalid> {
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(Invalid(NAME_RULE.to_owned())) }
    }
}

impl NewName {
    fn new(text: &str) -> Result<Self, Invalid> {
        let Name(name) = Name::new(text)?;
        if is_new_name(text) { Ok(Self(name)) } else { Err(Invalid(reserved_rule())) }
    }
}

field_values!(@ Name, |scalar| Self::new(scalar.text("um texto")?)?,
    |value| Text(value.0.as_str().into()), name_schema());
field_values!(@ NewName, |scalar| Self::new(scalar.text("um texto")?)?,
    |value| Text(value.0.as_str().into()), name_schema());

fields! {
    /// Corpo de `POST /tokens`.
    #[example({"nome": "painel", "papel": "leitura"})]
    struct TokenBody {
        /// Nome do token. Não pode ser `inicial`, `aberto`, `carregador` nem `servidor`.
        nome: NewName,
        /// `leitura`: só consulta; `operador`: tudo.
        papel: TokenPapel,
    }
}

fields! {
    struct TokenPath {
        /// Nome do token.
        nome: Name,
    }
}

/// Lista os tokens.
///
/// Os que valem agora. Seus textos, ninguém mais tem: o banco guarda só o SHA-256.
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "tokens", responses(
    (status = 200, body = TokensList, description = "Os tokens"),
))]
async fn list(State(app): State<Arc<AppState>>) -> Result<Json<TokensList>, HttpError> {
    let listed = app.read(app.tokens.list()).await?;
    let tokens = listed.into_iter().map(|(token, made)| Token {
        nome: token.name().to_owned(),
        papel: papel(token.role()).as_str(),
        criado_em: made.map(Into::into),
        ultimo_uso: token.last_day().map(day),
    });
    Ok(Json(TokensList { tokens: tokens.collect() }))
}

/// The date of a day that is counted from 1970-01-01.
fn day(number: i64) -> String {
    let midnight = wire::time_text(Moment::from_millis(number.saturating_mul(DAY_MS)));
    midnight.split('T').next().unwrap_or_default().to_owned()
}

/// Faz um token.
///
/// Só esta resposta traz o texto dele.
#[utoipa::path(post, path = "/tokens", operation_id = "create_token", tag = "tokens",
    request_body = TokenBody, responses(
    (status = 201, body = NewToken, description = "O token"),
    (status = 409, body = ErrorReply, description = "token_existente"),
))]
async fn create(
    State(app): State<Arc<AppState>>,
    By(by): By,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, &'static str); 1], Json<NewToken>), HttpError> {
    let TokenBody { nome: NewName(nome), papel } = body.read()?;
    let token = app.tokens.create(by, &nome, papel).await.map_err(|error| refused(&app, error))?;
    let made = NewToken { nome, papel: papel.as_str(), token };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(made)))
}

/// Revoga um token.
///
/// Vale já para a próxima chamada com ele. O último de operador não pode ser revogado.
#[utoipa::path(delete, path = "/tokens/{nome}", operation_id = "revoke_token", tag = "tokens",
    params(TokenPath), responses(
    (status = 204, description = "O token foi revogado"),
    (status = 404, body = ErrorReply, description = "token_inexistente"),
    (status = 409, body = ErrorReply, description = "ultimo_operador"),
))]
async fn revoke(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Params(TokenPath { nome: Name(nome) }): Params<TokenPath>,
) -> Result<StatusCode, HttpError> {
    app.tokens.revoke(by, &nome).await.map_err(|error| refused(&app, error))?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(app: &AppState, error: TokensError) -> Failure {
    match error {
        TokensError::Write(error) => Failure::from_write(error, &app.server_id),
        error => {
            error!(%error, "a token cannot be made");
            Failure::Unavailable(app.server_id.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_what_no_token_may_be_called() {
        let schema = serde_json::to_value(<TokenBody as utoipa::PartialSchema>::schema());
        let schema = schema.expect("JSON");
        let nome = schema["properties"]["nome"]["description"].as_str().expect("a description");
        let rule = reserved_rule();
        for name in ["inicial", "aberto", "carregador", "servidor"] {
            assert!(NewName::new(name).is_err() && rule.contains(name), "{name}: {rule}");
            assert!(nome.contains(&format!("`{name}`")), "{name} is not in {nome}");
        }
        assert_eq!(rule.matches(',').count(), 4, "{rule}");
    }
}
