//! Reservas: how they are named, answered about and published.

use domain::{Aviso, Motivo, ReservaState};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema as _, ToSchema};

use crate::{AppId, ClientId, RequestId, ServerId, StatusReply, Timestamp, field_values, fields};

field_values!(@ ReservaState, |scalar| Self::parse(scalar.text("um texto")?)?,
    |value| Text(value.as_str().into()), ReservaStatus::schema(), "ReservaStatus");

/// Declares the words for an enum of the domain, as they are in JSON and in the documents.
macro_rules! words_of {
    ($(#[$doc:meta])* $name:ident, $domain:ident, $($(#[$variant_doc:meta])* $variant:ident,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value {
                    $($domain::$variant => Self::$variant,)+
                }
            }
        }
    };
}

words_of! {
    /// Situação de uma reserva.
    ReservaStatus, ReservaState,
    /// O posto é do carro durante o período.
    Ativa,
    /// O carro carregou no posto dentro do período, ou ainda carrega.
    Cumprida,
    /// O período passou sem que o carro carregasse.
    Encerrada,
    /// O carro não veio dentro da tolerância.
    NaoCompareceu,
    Cancelada,
}

words_of! {
    /// Por que uma reserva foi cancelada, ou por que o carro perdeu o posto.
    ReservaMotivo, Motivo,
    /// Quem reservou pediu.
    Pedido,
    /// O operador cancelou.
    Operador,
    /// O posto entrou em manutenção.
    Manutencao,
    /// O posto foi removido.
    PostoRemovido,
    /// O carro não veio dentro da tolerância.
    Ausencia,
}

words_of! {
    /// O que quem reservou deve saber do posto.
    ReservaAviso, Aviso,
    /// O período começou, e outro carro ainda carrega no posto.
    PostoOcupado,
    /// O outro carro saiu.
    PostoLivre,
}

/// Um carro com um posto por um período, `[inicio, fim)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reserva {
    /// Número da reserva no servidor.
    pub id: i64,
    /// O posto.
    pub posto_id: i64,
    /// O carro.
    pub placa: String,
    /// Primeiro instante em que o posto é dele.
    pub inicio: Timestamp,
    /// Primeiro instante em que o posto já não é dele, como foi combinado.
    pub fim: Timestamp,
    /// Em que situação está.
    pub status: ReservaStatus,
    /// Desde quando está nesta situação.
    pub desde: Timestamp,
    /// Por que foi cancelada, ou `ausencia` se o carro não veio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub motivo: Option<ReservaMotivo>,
    /// Quando o posto ficou livre, se foi antes de `fim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub livre_desde: Option<Timestamp>,
    /// Por quantos minutos o posto espera, a contar de `inicio`, por um carro que não veio; ausente se
    /// espera até `fim`. A espera recomeça depois de outro carro carregar ali, de o posto estar fora de
    /// serviço, ou de o servidor estar parado.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tolerancia_min: Option<i64>,
    /// Preço combinado do kWh, em reais.
    pub preco_kwh: f64,
    /// Conta as mudanças da reserva, a partir de 1.
    pub versao: i64,
    /// O que quem reservou deve saber do posto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aviso: Option<ReservaAviso>,
}

/// O que a carga pede, pelo que quem reserva diz do carro.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Estimativa {
    /// Energia até a bateria ficar cheia, em kWh.
    pub energia_kwh: f64,
    /// Minutos na potência máxima do posto, arredondados para cima; nulo se ela é 0.
    #[schema(required)]
    pub minutos: Option<i64>,
    /// Custo dessa energia, em reais.
    pub custo: f64,
    /// Preço do kWh, em reais.
    pub preco_kwh: f64,
    /// Distância que o carro ainda faz com a carga que tem, em km.
    pub autonomia_km: f64,
}

fields! {
    /// Uma reserva, pela requisição que a fez.
    #[example({
        "request_id": "0198c0de-7a1b-7000-8000-000000000003", "client_id": "cliente1",
        "server_id": "server1", "reserva_request_id": "0198c0de-7a1b-7000-8000-000000000001"
    })]
    pub struct ReservaRef {
        /// Volta na resposta a esta mensagem.
        request_id: RequestId,
        /// Em que tópico a resposta é esperada.
        client_id: ClientId,
        /// O app que pede; de uma reserva que tem app, só este.
        app: Option<AppId>,
        /// O servidor da reserva.
        server_id: ServerId,
        /// Se sim, o cliente também lê listas: respostas e eventos que esperam juntos podem vir em uma.
        listas: Option<bool>,
        /// O `request_id` da reserva.
        reserva_request_id: RequestId,
    }
}

fields! {
    /// Pergunta a um servidor o que foi feito de uma requisição de reserva, ou de alteração.
    #[example({
        "request_id": "0198c0de-7a1b-7000-8000-000000000003", "client_id": "cliente1",
        "server_id": "server1", "reserva_request_id": "0198c0de-7a1b-7000-8000-000000000001",
        "somente_reserva": true
    })]
    pub struct ConsultaRequest {
        /// A requisição.
        asked: ReservaRef,
        /// Se sim, somente de uma de reserva: a de uma alteração é respondida `reserva_inexistente`.
        somente_reserva: Option<bool>,
    }
}

/// A resposta a uma reserva, a uma alteração, a um cancelamento ou a uma pergunta sobre uma reserva,
/// quando não é um erro.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000001", "status": "sucesso",
    "mensagem": "O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234.",
    "reserva": {"id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
        "fim": "2026-11-24T12:00:00.000Z", "status": "ativa", "desde": "2026-11-23T12:00:00.000Z",
        "preco_kwh": 2.5, "versao": 1},
    "estimativa": {"energia_kwh": 22.2, "minutos": 61, "custo": 55.5, "preco_kwh": 2.5,
        "autonomia_km": 117.4}
}))]
pub struct ReservaReply {
    /// A requisição que isto responde.
    pub request_id: RequestId,
    /// Sempre `sucesso`.
    pub status: StatusReply,
    /// O que aconteceu, para uma pessoa.
    pub mensagem: String,
    /// A reserva: como foi combinada, na resposta a quem reserva ou altera; nas outras, como está.
    pub reserva: Reserva,
    /// O que a carga pede; só na resposta a quem reserva ou altera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub estimativa: Option<Estimativa>,
}

/// Uma reserva mudou, para quem quiser ouvir: não diz de quem é.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "server_id": "server1", "reserva_id": 17, "posto_id": 5, "status": "ativa",
    "timestamp": "2026-11-23T12:00:00.000Z"
}))]
pub struct ReservaEvent {
    /// O servidor da reserva.
    pub server_id: ServerId,
    /// A reserva, como no tópico.
    pub reserva_id: i64,
    /// O posto.
    pub posto_id: i64,
    /// Em que situação está.
    pub status: ReservaStatus,
    /// Quando mudou.
    pub timestamp: Timestamp,
}

/// Uma reserva mudou, para o cliente que a fez.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "server_id": "server1", "request_id": "0198c0de-7a1b-7000-8000-000000000001",
    "id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
    "fim": "2026-11-24T12:00:00.000Z", "status": "cancelada", "desde": "2026-11-23T13:00:00.000Z",
    "motivo": "pedido", "preco_kwh": 2.5, "versao": 2,
    "timestamp": "2026-11-23T13:00:00.000Z"
}))]
pub struct ReservaClientEvent {
    /// O servidor da reserva.
    pub server_id: ServerId,
    /// A requisição que a fez.
    pub request_id: RequestId,
    /// A reserva, como está.
    #[serde(flatten)]
    pub reserva: Reserva,
    /// Quando mudou.
    pub timestamp: Timestamp,
}
