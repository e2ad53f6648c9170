//! Charging sessions.

mod answer;
mod bodies;
mod listing;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Correction, Rejection, ReportedEnergy, ReportedSession};
use protocol::ErrorReply;
use service::{HttpError, JsonBody, Path};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::Carregamento;
use self::bodies::{CarregamentoBody, CorrecaoBody, EnergiaBody};
pub(super) use self::listing::CarregamentosFilter;
use super::author::By;
use super::path::{CarregamentoPath, PostoCarregamentoPath, PostoPath};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::{
    CorrectCarregamento, FinishCarregamento, ReportCarregamento, StartCarregamento,
};

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .merge(listing::router())
        .routes(routes!(start))
        .routes(routes!(finish))
        .routes(routes!(correct))
}

async fn show(app: &AppState, posto_id: i64, id: i64) -> Result<Json<Carregamento>, HttpError> {
    let found = app.read(app.store.carregamento(posto_id, id)).await?;
    let missing = || Failure::Rejected(Rejection::CarregamentoInexistente { id, posto_id });
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Começa um carregamento, ou registra um que já começou.
///
/// Sem `inicio`, começa agora: a reserva do carro que tem o posto é cumprida, e começar duas vezes é o
/// mesmo que uma, enquanto o carro carrega. Repetido depois de o carregamento terminar, o pedido começa
/// outro: quem pode repeti-lo muito depois manda sempre o seu `inicio`, ou pergunta antes com
/// `GET /carregamentos?status=ativo&posto_id=`. Com `inicio`, é um fato que só agora é informado, por exemplo de um carregador que
/// estava sem rede: nem uma reserva de outro nem o estado do posto o recusam. Um `inicio` até cinco
/// minutos à frente do relógio do servidor é registrado como agora; sem `fim`, o carregamento só começa
/// se o posto está em serviço e outro não o tem agora. Se o carro já carrega com outro `inicio`, o pedido
/// é recusado. Um `inicio` antes de 2020 é recusado. Se outro tinha o posto quando o carregamento começou,
/// ele só cumpre as reservas do carro que começam depois, e `conflitos` diz de quem era o posto. Sem
/// reserva, o preço é o que o posto tem quando o carregamento é informado. Um que já terminou é registrado também num posto que foi
/// removido depois de ele começar. Pedidos com os mesmos posto, placa e `inicio` são do mesmo
/// carregamento: um pedido repetido o devolve, ainda que ele tenha sido encerrado ou corrigido depois; um
/// que traz `fim` encerra o que está aberto. O que já terminou de outro modo, e não foi corrigido, fica
/// como está, e o pedido é recusado.
#[utoipa::path(post, path = "/postos/{id}/carregamentos", operation_id = "start_carregamento",
    tag = "carregamentos",
    request_body = CarregamentoBody,
    params(PostoPath),
    responses(
        (status = 201, body = Carregamento, description = "O carregamento"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 409, body = ErrorReply,
            description = "posto_reservado, posto_indisponivel, posto_em_manutencao, \
                carro_em_carregamento, carregamento_sobreposto, carregamento_encerrado"),
        (status = 422, body = ErrorReply,
            description = "requisicao_invalida, energia_implausivel"),
    )
)]
async fn start(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(PostoPath { id: posto_id }): Path<PostoPath>,
    body: JsonBody,
) -> Result<(StatusCode, Json<Carregamento>), HttpError> {
    let CarregamentoBody { placa, inicio, fim, energia_fornecida, confirmado } = body.read()?;
    let Some(inicio) = inicio else {
        let id = app.write_by(by, StartCarregamento { posto_id, placa }).await?;
        return Ok((StatusCode::CREATED, show(&app, posto_id, id).await?));
    };
    let confirmado = confirmado.unwrap_or(false);
    let energy =
        energia_fornecida.map(|energia_fornecida| ReportedEnergy { energia_fornecida, confirmado });
    let ended = fim.zip(energy);
    let session = ReportedSession { inicio, ended };
    let recorded = app.write_by(by, ReportCarregamento { posto_id, placa, session }).await?;
    let Json(mut shown) = show(&app, posto_id, recorded.id).await?;
    shown.conflitos = recorded.conflitos;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Termina um carregamento.
///
/// O custo é o da energia fornecida, pelo preço do carregamento. O que resta da reserva do carro fica
/// livre. Uma reserva do carro que só começou depois de `fim` não foi cumprida: volta a ser `ativa`, ou
/// `encerrada` se já acabou. Um `fim` até cinco minutos antes de `inicio` é registrado como `inicio`: o
/// relógio de quem informa pode estar atrasado. Mais energia do que o posto fornece até cinco minutos
/// depois de `fim` (e mais 10 %), ou até agora, só vale com `confirmado`. Se o relógio do servidor foi
/// atrasado para antes de `inicio`, vale qualquer energia, e todo `fim` anterior é registrado como
/// `inicio`. Repetir o mesmo fim devolve o mesmo carregamento; um que foi corrigido, com qualquer fim.
#[utoipa::path(put, path = "/postos/{id}/carregamentos/{carregamento_id}", operation_id = "finish_carregamento",
    tag = "carregamentos",
    request_body = EnergiaBody,
    params(PostoCarregamentoPath),
    responses(
        (status = 200, body = Carregamento, description = "O carregamento"),
        (status = 404, body = ErrorReply, description = "carregamento_inexistente"),
        (status = 409, body = ErrorReply, description = "carregamento_encerrado"),
        (status = 422, body = ErrorReply,
            description = "requisicao_invalida, energia_implausivel"),
    )
)]
async fn finish(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(path): Path<PostoCarregamentoPath>,
    body: JsonBody,
) -> Result<Json<Carregamento>, HttpError> {
    let PostoCarregamentoPath { id: posto_id, carregamento_id: id } = path;
    let EnergiaBody { energia_fornecida, fim, confirmado } = body.read()?;
    let energy = ReportedEnergy { energia_fornecida, confirmado: confirmado.unwrap_or(false) };
    app.write_by(by, FinishCarregamento { posto_id, id, energy, fim }).await?;
    show(&app, posto_id, id).await
}

/// Corrige um carregamento que terminou.
///
/// O que não vem fica como está, e o custo segue a energia, pelo preço do carregamento. A auditoria
/// guarda o que era e quem o mudou. O que o carregamento fez às reservas não muda.
#[utoipa::path(patch, path = "/carregamentos/{id}", operation_id = "correct_carregamento",
    tag = "carregamentos",
    request_body = CorrecaoBody,
    params(CarregamentoPath),
    responses(
        (status = 200, body = Carregamento, description = "O carregamento"),
        (status = 404, body = ErrorReply, description = "carregamento_inexistente"),
        (status = 409, body = ErrorReply,
            description = "carregamento_sobreposto, carro_em_carregamento"),
        (status = 422, body = ErrorReply,
            description = "requisicao_invalida, energia_implausivel"),
    )
)]
async fn correct(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(CarregamentoPath { id }): Path<CarregamentoPath>,
    body: JsonBody,
) -> Result<Json<Carregamento>, HttpError> {
    let CorrecaoBody { inicio, fim, energia_fornecida, confirmado } = body.read()?;
    let confirmado = confirmado.unwrap_or(false);
    let correction = Correction { inicio, fim, energia_fornecida, confirmado };
    let posto_id = app.write_by(by, CorrectCarregamento { id, correction }).await?;
    show(&app, posto_id, id).await
}
