//! Taking a posto out of service, or away for good, and what becomes of its reservas.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{Disposition, Moment};
use protocol::{ErrorReply, Timestamp, fields};
use serde::Serialize;
use service::{HttpError, JsonBody, Params, Path};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::By;
use super::path::PostoPath;
use super::postos::AdminPosto;
use crate::app_state::AppState;
use crate::store::{AffectedReserva, RemovePosto, ReservaOutcome, SetService};

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(set_disponibilidade)).routes(routes!(remove))
}

/// O que foi feito de uma reserva.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Resultado {
    /// Continua no posto.
    Mantida,
    /// Passou para outro posto.
    Movida,
    Cancelada,
}

/// Por que uma reserva continua no posto, embora se quisesse movê-la.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MotivoMantida {
    /// Nenhum outro posto serve.
    SemPosto,
}

/// Uma reserva de um posto que sai de serviço ou é removido.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 17, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
    "fim": "2026-11-24T12:00:00.000Z", "resultado": "movida", "posto_id": 6,
    "client_id": "cliente1"
}))]
struct ReservaAtingida {
    /// Número da reserva.
    id: i64,
    /// O carro.
    placa: String,
    /// Primeiro instante em que o posto é dele.
    inicio: Timestamp,
    /// Primeiro instante em que o posto já não é dele.
    fim: Timestamp,
    /// O que foi feito dela.
    resultado: Resultado,
    /// O posto que tem agora.
    posto_id: i64,
    /// Por que não foi movida, se era para ser.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    motivo: Option<MotivoMantida>,
    /// O cliente que a fez, e que fica sabendo; nulo se não se sabe.
    #[schema(required)]
    client_id: Option<String>,
}

impl From<AffectedReserva> for ReservaAtingida {
    fn from(reserva: AffectedReserva) -> Self {
        let AffectedReserva { id, placa, interval, outcome, posto_id, client_id } = reserva;
        Self {
            id,
            placa: placa.as_str().to_owned(),
            inicio: interval.inicio().into(),
            fim: interval.fim().into(),
            resultado: match outcome {
                ReservaOutcome::Kept | ReservaOutcome::NoPosto => Resultado::Mantida,
                ReservaOutcome::Moved => Resultado::Movida,
                ReservaOutcome::Cancelled => Resultado::Cancelada,
            },
            posto_id,
            motivo: (outcome == ReservaOutcome::NoPosto).then_some(MotivoMantida::SemPosto),
            client_id,
        }
    }
}

/// Um posto, e o que foi feito das reservas atingidas.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370", "potencia_maxima": 22.0,
    "tipo_conector": "CCS", "preco_kwh": 2.5, "disponivel": false, "em_manutencao": true,
    "operador": {"disponivel": false, "em_manutencao": true}, "carregador": null,
    "reservas": [{
        "id": 17, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
        "fim": "2026-11-24T12:00:00.000Z", "resultado": "movida", "posto_id": 6,
        "client_id": "cliente1"
    }]
}))]
struct PostoComReservas {
    #[serde(flatten)]
    posto: AdminPosto,
    /// As reservas atingidas, pelo início; nenhuma se o posto fica em serviço.
    reservas: Vec<ReservaAtingida>,
}

/// O que foi feito das reservas de um posto removido.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"reservas": [{
    "id": 17, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
    "fim": "2026-11-24T12:00:00.000Z", "resultado": "cancelada", "posto_id": 5,
    "client_id": "cliente1"
}]}))]
struct ReservasDoPosto {
    /// As reservas que o tinham, pelo início.
    reservas: Vec<ReservaAtingida>,
}

fields! {
    /// Corpo de `PUT /postos/{id}/disponibilidade`.
    #[example({"disponivel": false, "em_manutencao": true, "reservas": "mover"})]
    pub(super) struct DisponibilidadeBody {
        /// Se está em serviço.
        disponivel: bool,
        /// Se está em manutenção; se não vier, fica como está.
        em_manutencao: Option<bool>,
        /// O que fazer das reservas ativas do posto, se fica fora de serviço; se não vier, `manter`.
        reservas: Option<Disposition>,
        /// Somente com as que começam antes deste instante.
        ate: Option<Moment>,
        /// Se sim, nada muda: a resposta diz o que seria.
        simular: Option<bool>,
    }
}

fields! {
    pub(super) struct RemocaoParams {
        /// O que fazer das reservas ativas do posto; se não vier, `manter`, e um posto que as tem não é removido.
        reservas: Option<Disposition>,
        /// Se sim, nada muda: a resposta diz o que seria.
        simular: Option<bool>,
    }
}

/// Põe um posto em serviço ou fora dele, da parte do operador.
///
/// O que o carregador diz fica como está: um posto só está em serviço se os dois dizem que está. Com
/// o posto fora de serviço por parte do operador, também se já estava, `reservas` diz o que fazer das
/// reservas ativas que o têm agora ou depois. `mover` dá a cada uma, pela ordem do início, o posto mais
/// próximo que está em serviço e livre no resto do período, com o mesmo conector e ao menos a mesma
/// potência, pelo preço combinado; a que não acha nenhum fica. Cada cliente fica sabendo. De volta ao
/// serviço, nada se desfaz.
#[utoipa::path(put, path = "/postos/{id}/disponibilidade", operation_id = "set_disponibilidade",
    tag = "postos",
    request_body = DisponibilidadeBody,
    params(PostoPath),
    responses(
        (status = 200, body = PostoComReservas, description = "O posto e as reservas atingidas"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
    )
)]
async fn set_disponibilidade(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(PostoPath { id: posto_id }): Path<PostoPath>,
    body: JsonBody,
) -> Result<Json<PostoComReservas>, HttpError> {
    let body: DisponibilidadeBody = body.read()?;
    let command = SetService {
        posto_id,
        in_service: body.disponivel,
        em_manutencao: body.em_manutencao,
        disposition: body.reservas.unwrap_or(Disposition::Keep),
        until: body.ate,
        simulate: body.simular.unwrap_or(false),
    };
    let maintained = app.write_by(by, command).await?;
    Ok(Json(PostoComReservas {
        posto: AdminPosto::from(&maintained.posto),
        reservas: maintained.reservas.into_iter().map(ReservaAtingida::from).collect(),
    }))
}

/// Remove um posto.
///
/// Sem `reservas`, somente um que ninguém usa nem reservou; enquanto um carro carrega nele, nunca. Com
/// `reservas=mover`, somente se todas acham outro posto; com `simular=true` também se alguma não acha,
/// e a resposta diz, com o motivo `sem_posto`, quais são. Seu número não volta.
///
/// Com `reservas`, ou com `simular=true`, a resposta é 200 com a lista das reservas; sem um nem outro,
/// 204 sem corpo.
#[utoipa::path(delete, path = "/postos/{id}", operation_id = "remove_posto", tag = "postos",
    params(PostoPath, RemocaoParams),
    responses(
        (status = 200, body = ReservasDoPosto,
            description = "Com `reservas`: o posto foi removido. Com `simular=true`: o que seria"),
        (status = 204, description = "Sem `reservas` e sem `simular=true`: o posto foi removido"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_em_uso"),
    )
)]
async fn remove(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(PostoPath { id: posto_id }): Path<PostoPath>,
    Params(RemocaoParams { reservas: disposition, simular }): Params<RemocaoParams>,
) -> Result<Response, HttpError> {
    let simulate = simular.unwrap_or(false);
    let command =
        RemovePosto { posto_id, disposition: disposition.unwrap_or(Disposition::Keep), simulate };
    let affected = app.write_by(by, command).await?;
    if disposition.is_none() && !simulate {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let reservas = affected.into_iter().map(ReservaAtingida::from).collect();
    Ok(Json(ReservasDoPosto { reservas }).into_response())
}
