//! What was changed, and by whom.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Moment, RowId};
use protocol::{Invalid, OrDefault, Timestamp, field_values, fields, words_schema};
use serde::Serialize;
use serde_json::value::RawValue;
use service::{HttpError, Params};
use tracing::error;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::{PageSize, check_order, page};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::{self, Action, AuditQuery, AuditRow};

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Uma mudança.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 41, "quando": "2026-11-23T12:00:00.000Z", "quem": "inicial", "acao": "alterar",
    "alvo": "posto/5", "antes": {"preco_kwh": 2.5}, "depois": {"preco_kwh": 2.8}
}))]
#[schema(as = Change)]
struct AuditedChange {
    /// Número da mudança.
    id: i64,
    /// Quando foi gravada.
    quando: Timestamp,
    /// O nome do token, ou `aberto` (sem tokens), `carregador`, `linha de comando`, `servidor`.
    quem: String,
    /// O que foi feito, por exemplo `alterar`.
    acao: String,
    /// O que foi mudado, por exemplo `posto/5`, `reserva/17`, `token/painel`.
    alvo: String,
    /// O que mudou, como era; nulo se não existia.
    #[schema(value_type = Option<Object>)]
    antes: Option<Box<RawValue>>,
    /// O que mudou, como ficou; nulo se não existe mais.
    #[schema(value_type = Option<Object>)]
    depois: Option<Box<RawValue>>,
}

/// Uma página de mudanças.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"auditoria": [{
    "id": 41, "quando": "2026-11-23T12:00:00.000Z", "quem": "inicial", "acao": "alterar",
    "alvo": "posto/5", "antes": {"preco_kwh": 2.5}, "depois": {"preco_kwh": 2.8}
}], "proxima": null}))]
struct AuditPage {
    /// Da mais nova para a mais velha.
    auditoria: Vec<AuditedChange>,
    /// Valor de `antes_de` para a próxima página; nulo na última.
    proxima: Option<i64>,
}

field_values!(@ Action, |scalar| action(scalar.text("um texto")?)?,
    |value| Text(value.as_str().into()), words_schema(action_words()));

fn action(word: &str) -> Result<Action, Invalid> {
    let words = || action_words().collect::<Vec<_>>().join(", ");
    Action::parse(word).map_err(|_| Invalid(format!("deve ser um de {}", words())))
}

fn action_words() -> impl Iterator<Item = &'static str> {
    Action::ALL.iter().map(|action| action.as_str())
}

/// The name of somebody, perhaps of a token that is gone.
#[derive(Debug, Clone, PartialEq)]
struct Who(String);

impl Who {
    fn new(name: &str) -> Result<Self, Invalid> {
        match name.trim() {
            "" => Err(Invalid("não pode ser vazio".to_owned())),
            _ => Ok(Self(name.to_owned())),
        }
    }
}

field_values!(@ Who, |scalar| Self::new(scalar.text("um texto")?)?,
    |value| Text(value.0.as_str().into()),
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)));

/// What a change can be of. Another text would find nothing, as if nothing had been changed.
#[derive(Debug, Clone, PartialEq)]
struct Alvo(String);

impl Alvo {
    fn new(alvo: &str) -> Result<Self, Invalid> {
        if store::is_audit_target(alvo) {
            return Ok(Self(alvo.to_owned()));
        }
        Err(Invalid(
            "deve ser posto/N, posto/N/carregador, reserva/N, carregamento/N, token/NOME, carros ou \
             banco, por exemplo posto/5"
                .to_owned(),
        ))
    }
}

field_values!(@ Alvo, |scalar| Self::new(scalar.text("um texto")?)?,
    |value| Text(value.0.as_str().into()),
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(store::AUDIT_TARGET_PATTERN)));

fields! {
    pub(super) struct AuditParams {
        /// Somente as de quem tem este nome.
        quem: Option<Who>,
        /// Somente estas ações.
        acao: Option<Action>,
        /// Somente as disto, por exemplo `posto/5`.
        alvo: Option<Alvo>,
        /// Somente as deste instante ou depois.
        de: Option<Moment>,
        /// Somente as de antes deste instante.
        ate: Option<Moment>,
        /// Somente as de número menor que este.
        antes_de: Option<RowId>,
        /// Quantas no máximo.
        limite: OrDefault<PageSize>,
    }
    rules |raw| {
        check_order(&mut raw.de, ("ate", &raw.ate));
    }
}

/// Lista o que foi mudado, e por quem.
///
/// Da mais nova para a mais velha. Cada linha foi gravada junto com a sua mudança. Nenhuma diz uma
/// placa.
#[utoipa::path(get, path = "/auditoria", operation_id = "list_auditoria", tag = "auditoria",
    params(AuditParams), responses(
    (status = 200, body = AuditPage, description = "Uma página de mudanças"),
))]
async fn list(
    State(app): State<Arc<AppState>>,
    Params(params): Params<AuditParams>,
) -> Result<Json<AuditPage>, HttpError> {
    let limite = params.limite.0;
    let query = AuditQuery {
        quem: params.quem.map(|who| who.0),
        acao: params.acao.map(|action| action.as_str().to_owned()),
        alvo: params.alvo.map(|alvo| alvo.0),
        from: params.de,
        until: params.ate,
        before: params.antes_de.map(RowId::get),
        limit: limite.with_next(),
    };
    let found = app.read(app.store.audit(&query)).await?;
    let (found, proxima) = page(found, limite, |row| row.id);
    let changes: Result<_, _> = found.into_iter().map(change).collect();
    let auditoria = changes.map_err(|error| {
        error!(%error, "the audit has what is no JSON");
        Failure::Unavailable(app.server_id.clone())
    })?;
    Ok(Json(AuditPage { auditoria, proxima }))
}

fn change(row: AuditRow) -> serde_json::Result<AuditedChange> {
    let AuditRow { id, quando, quem, acao, alvo, antes, depois } = row;
    let json = |text: Option<String>| text.map(RawValue::from_string).transpose();
    let quando = Moment::from_millis(quando).into();
    Ok(AuditedChange { id, quando, quem, acao, alvo, antes: json(antes)?, depois: json(depois)? })
}
