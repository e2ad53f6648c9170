//! What was changed, and by whom.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Moment, RowId};
use protocol::{FieldValue, Invalid, OrDefault, Scalar, Timestamp, fields};
use serde::Serialize;
use serde_json::value::RawValue;
use service::{HttpError, Params};
use tracing::error;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::page::{PageSize, check_order, page};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::{self, Action, AuditQuery, AuditRow};
use crate::wire;

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Uma mudança.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 41, "quando": "2026-11-23T12:00:00.000Z", "quem": "inicial", "acao": "alterar",
    "alvo": "posto/5", "antes": {"preco_kwh": 2.5}, "depois": {"preco_kwh": 2.8}
}))]
struct Change {
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
    auditoria: Vec<Change>,
    /// Valor de `antes_de` para a próxima página; nulo na última.
    proxima: Option<i64>,
}

/// The word for an action.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ActionWord(Action);

impl FieldValue for ActionWord {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid> {
        let word = scalar.text("um texto")?;
        let found = Action::ALL.iter().find(|action| action.as_str() == word);
        let words = || Action::ALL.iter().map(|action| action.as_str()).collect::<Vec<_>>();
        let unknown = || Invalid(format!("deve ser um de {}", words().join(", ")));
        found.map(|action| Self(*action)).ok_or_else(unknown)
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.0.as_str().into())
    }

    fn schema() -> RefOr<Schema> {
        let words = Action::ALL.iter().map(|action| action.as_str());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

/// The name of somebody, perhaps of a token that is gone.
#[derive(Debug, Clone, PartialEq)]
struct Who(String);

impl FieldValue for Who {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid> {
        let name = scalar.text("um texto")?;
        let is_name = !name.trim().is_empty();
        is_name
            .then(|| Self(name.to_owned()))
            .ok_or_else(|| Invalid("não pode ser vazio".to_owned()))
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.0.as_str().into())
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).into()
    }
}

/// What a change can be of. Another text would find nothing, as if nothing had been changed.
#[derive(Debug, Clone, PartialEq)]
struct Alvo(String);

impl FieldValue for Alvo {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid> {
        let alvo = scalar.text("um texto")?;
        let wrong = || {
            Invalid(
                "deve ser posto/N, posto/N/carregador, reserva/N, carregamento/N, token/NOME, carros ou \
                 banco, por exemplo posto/5"
                    .to_owned(),
            )
        };
        store::is_audit_target(alvo).then(|| Self(alvo.to_owned())).ok_or_else(wrong)
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.0.as_str().into())
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(store::AUDIT_TARGET_PATTERN))
            .into()
    }
}

fields! {
    pub(super) struct AuditParams {
        /// Somente as de quem tem este nome.
        quem: Option<Who>,
        /// Somente estas ações.
        acao: Option<ActionWord>,
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
        acao: params.acao.map(|word| word.0.as_str().to_owned()),
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

fn change(row: AuditRow) -> serde_json::Result<Change> {
    let AuditRow { id, quando, quem, acao, alvo, antes, depois } = row;
    let json = |text: Option<String>| text.map(RawValue::from_string).transpose();
    let quando = wire::timestamp(Moment::from_millis(quando));
    Ok(Change { id, quando, quem, acao, alvo, antes: json(antes)?, depois: json(depois)? })
}
