//! Files of postos that the operator sends.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::{Codigo, ErrorReply, FieldError, fields};
use serde::Serialize;
use service::{HttpError, Params, read_file};
use tokio::task;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::By;
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::import::{
    Counts, ImportedPosto, Mode, NotImported, WrongCell, WrongFile, import_postos, read_postos,
};
use crate::store::Author;

/// What browsers, spreadsheets and command lines call a CSV file. A page of another origin may send
/// none of them without a preflight, so CORS decides.
pub(super) const TYPES: [&str; 5] = [
    "text/csv",
    "application/csv",
    "text/tab-separated-values",
    "application/vnd.ms-excel",
    "application/octet-stream",
];

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(import))
}

/// O que um arquivo mudou, ou mudaria.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"criados": 1, "alterados": 0, "iguais": 0, "erros": []}))]
struct Imported {
    #[serde(flatten)]
    counts: Counts,
    /// Vazia.
    erros: Vec<WrongCell>,
}

/// Por que um arquivo não foi importado; nada mudou.
#[derive(Debug, Serialize, ToSchema)]
struct NotImportedReply {
    #[serde(flatten)]
    error: ErrorReply,
    #[serde(flatten)]
    file: WrongFileReply,
}

/// O que há de errado no arquivo; não vem se o errado é outra coisa.
#[derive(Debug, Default, Serialize, ToSchema)]
struct WrongFileReply {
    /// Nenhum.
    #[schema(required = false)]
    criados: usize,
    /// Nenhum.
    #[schema(required = false)]
    alterados: usize,
    /// Nenhum.
    #[schema(required = false)]
    iguais: usize,
    /// Os primeiros 100 erros.
    #[schema(required = false)]
    erros: Vec<WrongCell>,
    /// Quantos erros há ao todo.
    #[schema(required = false)]
    total_de_erros: usize,
}

fields! {
    pub(super) struct ImportQuery {
        /// Se sim, nada é gravado: a resposta diz o que seria.
        simular: Option<bool>,
    }
}

/// Importa postos de um arquivo CSV.
///
/// Cria os de número novo ou vazio, altera os que mudaram, não remove nenhum; tudo ou nada.
#[utoipa::path(post, path = "/postos/importar", operation_id = "import_postos", tag = "postos",
    params(ImportQuery),
    request_body(content = String, content_type = "text/csv",
        description = "Colunas id, nome, latitude, longitude, status e, se houver, \
            potencia_maxima, tipo_conector, preco_kwh. Separadas por vírgula, ponto e vírgula ou \
            tabulação; decimais com ponto ou vírgula; UTF-8, UTF-16 ou Windows-1252. No máximo 32 MiB.",
        example = "id;nome;latitude;longitude;status;preco_kwh\n121;Ponto 121;-23,5614;-46,6559;disponivel;2,2\n"),
    responses(
        (status = 200, body = Imported, description = "O que mudou, ou mudaria"),
        (status = 422, body = NotImportedReply, description = "requisicao_invalida",
            examples(("requisicao_invalida" = (value = json!({
                "status": "erro", "codigo": "requisicao_invalida",
                "mensagem": "O arquivo tem 1 erro e nada foi importado.",
                "campos": [{
                    "campo": "arquivo",
                    "mensagem": "linha 2, coluna potencia_maxima, valor \"0\": \
                        deve ser maior que 0 e no máximo 5000"
                }],
                "criados": 0, "alterados": 0, "iguais": 0,
                "erros": [{
                    "linha": 2, "coluna": "potencia_maxima", "valor": "0",
                    "mensagem": "deve ser maior que 0 e no máximo 5000"
                }],
                "total_de_erros": 1
            }))))),
    )
)]
async fn import(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Params(ImportQuery { simular }): Params<ImportQuery>,
    request: Request,
) -> Result<Response, HttpError> {
    let Ok(_permit) = app.imports.try_acquire() else {
        return Err(Failure::Overloaded(app.server_id.clone()).into());
    };
    let file = read_file(request, &TYPES).await?;
    let mode = if simular == Some(true) { Mode::Simulate } else { Mode::Import };
    let read = task::spawn_blocking(move || read_postos(&file)).await;
    let read = read.map_err(|_| HttpError::new(Codigo::ErroInterno, "Erro interno."))?;
    match import_into(&app, by, read, mode).await? {
        Ok(counts) => Ok(Json(Imported { counts, erros: Vec::new() }).into_response()),
        Err(wrong) => Ok(refusal(wrong)),
    }
}

async fn import_into(
    app: &AppState,
    by: Author,
    read: Result<Vec<ImportedPosto>, WrongFile>,
    mode: Mode,
) -> Result<Result<Counts, WrongFile>, Failure> {
    let postos = match read {
        Ok(postos) => postos,
        Err(wrong) => return Ok(Err(wrong)),
    };
    match import_postos(&app.store, by, postos, mode).await {
        Ok(counts) => Ok(Ok(counts)),
        Err(NotImported::Wrong(wrong)) => Ok(Err(wrong)),
        Err(NotImported::Read(error)) => Err(app.unreadable(&error)),
        Err(NotImported::Write(error)) => Err(Failure::from_write(error, &app.server_id)),
    }
}

fn refusal(wrong: WrongFile) -> Response {
    let mensagem = format!("O arquivo tem {} e nada foi importado.", wrong.count());
    let mut error = ErrorReply::new(None, Codigo::RequisicaoInvalida, mensagem);
    let first = wrong.listed.first().map(ToString::to_string).unwrap_or_default();
    error.campos = vec![FieldError::new("arquivo", first)];
    let file = WrongFileReply {
        total_de_erros: wrong.total,
        erros: wrong.listed,
        ..WrongFileReply::default()
    };
    let reply = NotImportedReply { error, file };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(&reply)).into_response()
}
