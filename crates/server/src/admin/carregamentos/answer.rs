//! A charging session as it is answered.

use domain::words;
use protocol::{Timestamp, field_values};
use serde::Serialize;
use utoipa::ToSchema;

words! {
    /// Situação de um carregamento.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    pub(super) enum CarregamentoStatus {
        Ativo = "ativo",
        Encerrado = "encerrado",
    }
}

field_values!(words CarregamentoStatus);

/// Um carro carregando em um posto.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "posto_id": 6, "placa": "ABC1234", "status": "encerrado",
    "inicio": "2026-11-23T12:00:00.000Z", "preco_kwh": 2.5, "fim": "2026-11-23T12:50:00.000Z",
    "energia_fornecida": 18.4, "custo": 46.0, "reserva_id": 17, "corrigido_em": null
}))]
pub(super) struct Carregamento {
    /// Número do carregamento no servidor.
    id: i64,
    /// O posto.
    posto_id: i64,
    /// O carro; nulo se foi esquecido.
    #[schema(required)]
    placa: Option<String>,
    /// Em que situação está.
    status: CarregamentoStatus,
    /// Quando começou.
    inicio: Timestamp,
    /// Preço do kWh, em reais: o da reserva, se há uma; se não, o que o posto tinha quando o
    /// carregamento foi registrado. De um que só depois foi informado, é o preço de quando foi
    /// informado: o servidor não guarda os preços anteriores de um posto.
    preco_kwh: f64,
    /// Quando terminou; nulo enquanto o carro carrega.
    fim: Option<Timestamp>,
    /// Energia fornecida, em kWh; nula enquanto o carro carrega.
    energia_fornecida: Option<f64>,
    /// Quanto custa, em reais; nulo enquanto o carro carrega.
    custo: Option<f64>,
    /// A reserva do carro que ele cumpre; nula se não há.
    reserva_id: Option<i64>,
    /// Quando foi corrigido pela última vez; nulo se nunca foi.
    corrigido_em: Option<Timestamp>,
    /// As reservas de outros carros que tinham o posto durante o carregamento: só na resposta a quem
    /// o informa depois, e se há alguma.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) conflitos: Vec<i64>,
}

impl From<domain::Carregamento> for Carregamento {
    fn from(session: domain::Carregamento) -> Self {
        let finished = session.finished;
        Self {
            id: session.id,
            posto_id: session.posto_id,
            placa: session.placa.map(|placa| placa.as_str().to_owned()),
            status: match finished {
                None => CarregamentoStatus::Ativo,
                Some(_) => CarregamentoStatus::Encerrado,
            },
            inicio: session.inicio.into(),
            preco_kwh: session.preco_kwh.get(),
            fim: finished.map(|finished| finished.fim.into()),
            energia_fornecida: finished.map(|finished| finished.energia_fornecida.get()),
            custo: finished.map(|finished| finished.custo.brl()),
            reserva_id: session.reserva_id,
            corrigido_em: session.corrigido_em.map(Into::into),
            conflitos: Vec::new(),
        }
    }
}
