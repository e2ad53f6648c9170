//! Events as they happen.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use protocol::{ErrorReply, RequestId};
use service::Params;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{CommandErrors, answer, with_log_fields};
use super::app::App;
use super::event_stream::{self, Admitted, Source};
use super::follow_params::FollowParams;
use crate::gateway::Gateway;

const LAST_EVENT_ID: &str = "Last-Event-ID";

/// The route that needs no token: its events say nothing about any person.
pub(super) fn public_router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(all))
}

pub(super) fn router() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(of_reserva))
}

/// Mostra as mudanças dos postos e dos servidores.
///
/// Eventos (Server-Sent Events), até quem lê ou o cliente parar; cada `data` é JSON numa linha só:
///
/// - `estado`: um servidor com todos os seus postos, como em `GET /postos`. Vem primeiro, um para cada
///   servidor, e de novo quando um servidor volta, quando os postos mudam de outro modo, ou a quem lê
///   devagar, no lugar do que não leu. De um servidor desconectado, sem postos.
/// - `posto`: um posto passou a poder ser usado ou deixou de poder: `server_id`, `posto_id`,
///   `disponivel`, `em_manutencao`, `timestamp`.
/// - `servidor`: um servidor saiu ou voltou, ou está conectado e sua lista ainda não veio: `server_id`,
///   `status`, `desde`.
///
/// Sem novidade por 15 segundos, vem o comentário `ping`; quem não recebe nada por 40 segundos deve
/// conectar de novo. Nada aqui diz de quem é uma reserva. A resposta não acaba, e por isso esta página
/// não a mostra: leia com `curl -N` ou `EventSource`.
#[utoipa::path(get, path = "/eventos", operation_id = "listen", tag = "eventos",
    responses(
        (status = 200, body = String, content_type = "text/event-stream",
            description = "Os eventos", example = "retry: 2000\n\nevent: estado\n\
            data: {\"server_id\":\"server1\",\"status\":\"online\",\"postos\":[{\"id\":5,\
            \"nome\":\"Ponto 5\",\"localizacao\":\"-23.5540,-46.6370\",\"potencia_maxima\":22.0,\
            \"tipo_conector\":\"CCS\",\"preco_kwh\":2.5,\"disponivel\":true,\
            \"em_manutencao\":false}]}\n\nevent: posto\ndata: {\"server_id\":\"server1\",\
            \"posto_id\":5,\"disponivel\":false,\"em_manutencao\":false,\
            \"timestamp\":\"2026-11-23T12:00:00.000Z\"}\n\nevent: servidor\n\
            data: {\"server_id\":\"server1\",\"status\":\"offline\",\
            \"desde\":\"2026-11-23T12:30:00.000Z\"}\n\n: ping\n\n"),
        (status = 429, body = ErrorReply, description = "requisicoes_demais"),
        (status = 503, body = ErrorReply, description = "sobrecarregado"),
    ))]
async fn all(State(gateway): State<Arc<Gateway>>, admitted: Admitted) -> Response {
    event_stream::answer(&gateway, Source::All(gateway.listen_to_all()), admitted)
}

/// Acompanha uma reserva.
///
/// Eventos (Server-Sent Events), em qualquer cliente; cada `data` é JSON numa linha só:
///
/// - `reserva`: a reserva, com `server_id` e `request_id`: primeiro como está, depois a cada mudança.
///   De mudanças que se seguem depressa pode vir só a última. Seu `id` é a `versao`, que só cresce,
///   a não ser que o operador restaure uma cópia de segurança.
/// - `servidor`: o servidor da reserva saiu ou voltou: `server_id`, `status`, `desde`.
///
/// Só se acompanha uma reserva, pelo `request_id` dela; o de uma alteração é respondido 404.
///
/// Depois de uma situação final (`encerrada`, `cancelada`, `nao_compareceu`, ou `cumprida` com o posto
/// já livre) os eventos acabam. Quem volta com `Last-Event-ID` não recebe de novo o que já tem; se já
/// tem a situação final, a resposta é 204, que diz ao `EventSource` dos navegadores que não volte. Ele
/// também não volta depois de 503 ou 504: crie outro quando `readyState` for `CLOSED`. Sem novidade por
/// 15 segundos, vem o comentário `ping`; quem não recebe nada por 40 segundos deve conectar de novo.
#[utoipa::path(get, path = "/reservas/{request_id}/eventos", operation_id = "follow_reserva",
    tag = "eventos",
    params(FollowParams, ("Last-Event-ID" = Option<i64>, Header, nullable = false,
        description = "A `versao` do último evento recebido, como `3`")),
    responses(
        (status = 200, body = String, content_type = "text/event-stream",
            description = "Os eventos", example = "retry: 2000\n\nevent: reserva\nid: 2\n\
            data: {\"server_id\":\"server1\",\
            \"request_id\":\"0198c0de-7a1b-7000-8000-000000000001\",\"id\":17,\"posto_id\":5,\
            \"placa\":\"ABC1234\",\"inicio\":\"2026-11-23T12:00:00.000Z\",\
            \"fim\":\"2026-11-24T12:00:00.000Z\",\"status\":\"cancelada\",\
            \"desde\":\"2026-11-23T12:05:00.000Z\",\"motivo\":\"pedido\",\"preco_kwh\":2.5,\
            \"versao\":2}\n\n"),
        (status = 204, description = "Não há mais o que enviar: quem pergunta já tem a situação final"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente, posto_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_ja_reservado_para_este_carro, \
            posto_reservado, posto_indisponivel, posto_em_manutencao, limite_de_reservas"),
        CommandErrors,
    )
)]
async fn of_reserva(
    State(gateway): State<Arc<Gateway>>,
    App(app): App,
    headers: HeaderMap,
    Params(FollowParams { reserva, lastEventId: again }): Params<FollowParams>,
    admitted: Admitted,
) -> Response {
    let server_id = reserva.server_id.clone();
    let last = match headers.get(LAST_EVENT_ID) {
        Some(id) => id.to_str().ok().and_then(versao),
        None => again,
    };
    let asking = RequestId::new();
    let followed = gateway.follow_reserva(&asking, reserva.named(app)).await;
    let mut followed = match followed {
        Ok(followed) => followed,
        Err(no_answer) => return answer(asking, server_id, no_answer.into_outcome()),
    };
    let is_over = last.is_some_and(|versao| followed.resume(versao));
    let response = match is_over {
        true => StatusCode::NO_CONTENT.into_response(),
        false => event_stream::answer(&gateway, Source::Reserva(Box::new(followed)), admitted),
    };
    with_log_fields(response, asking, server_id, None)
}

/// The versao whose event has this id; `None` for a text that is the id of no event.
fn versao(id: &str) -> Option<i64> {
    let versao = id.parse::<i64>().ok()?;
    (versao > 0 && versao.to_string() == id).then_some(versao)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_an_event_resumes() {
        assert_eq!((versao("1"), versao("42")), (Some(1), Some(42)));
        for id in ["", "+1", "01", "-1", "0", "1 ", "1.0", "x", "99999999999999999999"] {
            assert_eq!(versao(id), None, "{id}");
        }
    }
}
