//! What was counted, as it is answered.

use std::collections::BTreeMap;

use domain::{Centavos, Figures, Fuso, Passo, Steps};
use protocol::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::failure::rejection_codigo;
use crate::store::{Counted, CountedPosto, Statistics};

/// O que aconteceu nos postos em um período.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "de": "2026-11-22T03:00:00.000Z", "ate": "2026-11-23T03:00:00.000Z", "passo": "dia",
    "fuso": "-03:00", "calculado_em": "2026-11-23T14:20:00.000Z",
    "total": example(), "passos": [
        {"de": "2026-11-22T03:00:00.000Z", "ate": "2026-11-23T03:00:00.000Z", "numeros": example()}
    ], "postos": []
}))]
pub(super) struct Estatisticas {
    /// Primeiro instante do período.
    de: Timestamp,
    /// Primeiro instante depois do período.
    ate: Timestamp,
    /// De quanto é cada passo.
    passo: String,
    /// Quanto a hora local está à frente do UTC.
    fuso: String,
    /// Até este instante o que aconteceu está contado.
    calculado_em: Timestamp,
    /// O período inteiro.
    total: Numeros,
    /// Os passos, em ordem. O primeiro e o último podem ser mais curtos.
    passos: Vec<PassoContado>,
    /// O período inteiro de cada posto, com `por_posto`; sem os postos de que nada foi contado.
    postos: Vec<PostoContado>,
}

/// O que aconteceu em um passo.
#[derive(Serialize, ToSchema)]
struct PassoContado {
    /// Primeiro instante do passo.
    de: Timestamp,
    /// Primeiro instante depois do passo.
    ate: Timestamp,
    /// O que foi contado.
    numeros: Numeros,
}

/// O que aconteceu em um posto.
#[derive(Serialize, ToSchema)]
struct PostoContado {
    /// O posto.
    posto_id: i64,
    /// Como se chama, ou se chamava quando foi removido.
    nome: String,
    /// Se foi removido.
    removido: bool,
    /// O que foi contado.
    numeros: Numeros,
}

/// O que foi contado. Horas têm quatro casas decimais.
#[derive(Serialize, ToSchema)]
#[schema(example = json!(example()))]
pub(super) struct Numeros {
    /// Horas em que os postos existiam: de dois postos, 48 em um dia.
    pub(super) horas_de_posto: f64,
    /// Destas, as em serviço.
    pub(super) horas_em_servico: f64,
    /// Destas, as em manutenção.
    pub(super) horas_em_manutencao: f64,
    /// Destas, as fora de serviço por outra razão.
    pub(super) horas_fora_de_servico: f64,
    /// Horas em que os postos eram de quem os reservou.
    pub(super) horas_reservadas: f64,
    /// Horas em que carros carregavam, com reserva ou sem.
    pub(super) horas_carregando: f64,
    /// `horas_reservadas` por `horas_em_servico`; nula se nenhum posto esteve em serviço, e maior que 1 se
    /// postos ficaram reservados fora de serviço.
    #[schema(required)]
    pub(super) ocupacao: Option<f64>,
    /// `horas_carregando` por `horas_em_servico`, da mesma forma.
    #[schema(required)]
    pub(super) utilizacao: Option<f64>,
    /// As reservas.
    pub(super) reservas: ReservasContadas,
    /// Carregamentos que terminaram.
    pub(super) carregamentos: i64,
    /// A energia deles, em kWh.
    pub(super) energia_fornecida: f64,
    /// O custo deles, em reais.
    pub(super) custo: f64,
    /// Reservas, alterações e cancelamentos que foram recusados, por `codigo`; uma requisição repetida
    /// conta uma vez. De um posto só, sem os cancelamentos.
    pub(super) recusas: BTreeMap<String, i64>,
}

/// Reservas feitas, e quantas passaram a cada situação.
#[derive(Serialize, ToSchema)]
pub(super) struct ReservasContadas {
    /// As que foram feitas.
    pub(super) feitas: i64,
    /// Aquelas cujo carro começou a carregar.
    pub(super) cumprida: i64,
    /// As que terminaram sem carregamento.
    pub(super) encerrada: i64,
    /// Aquelas cujo carro não veio.
    pub(super) nao_compareceu: i64,
    /// As que foram canceladas.
    pub(super) cancelada: i64,
    /// Destas, por `motivo`. De versões antigas não há motivo.
    motivos: MotivosContados,
}

/// Reservas canceladas, por motivo.
#[derive(Serialize, ToSchema)]
struct MotivosContados {
    /// Pelo próprio cliente.
    pedido: i64,
    /// Pelo operador.
    operador: i64,
    /// Porque o posto entrou em manutenção.
    manutencao: i64,
    /// Porque o posto foi removido.
    posto_removido: i64,
}

impl Estatisticas {
    pub(super) fn new(period: &Steps, passo: Passo, fuso: Fuso, counted: Statistics) -> Self {
        let Statistics { steps, total, postos, counted_at } = counted;
        let passos = period.iter().zip(&steps).map(|((begin, end), counted)| PassoContado {
            de: begin.into(),
            ate: end.into(),
            numeros: counted.into(),
        });
        let posto = |posto: CountedPosto| PostoContado {
            numeros: (&posto.counted).into(),
            posto_id: posto.id,
            nome: posto.nome,
            removido: posto.is_removed,
        };
        Self {
            de: period.inicio().into(),
            ate: period.fim().into(),
            passo: passo.as_str().to_owned(),
            fuso: fuso.to_string(),
            calculado_em: counted_at.into(),
            total: (&total).into(),
            passos: passos.collect(),
            postos: postos.into_iter().map(posto).collect(),
        }
    }
}

/// Hours with four places. Sums are integers; what is answered is the number nearest to it.
fn hours(millis: i64) -> f64 {
    ((millis + 180).div_euclid(360)) as f64 / 10_000.0
}

/// A part of the time in service, with four places.
fn fraction(millis: i64, in_service: i64) -> Option<f64> {
    let rounded = (i128::from(millis) * 20_000 / i128::from(in_service.max(1)) + 1) / 2;
    (in_service > 0).then(|| rounded as f64 / 10_000.0)
}

impl From<&Counted> for Numeros {
    fn from(counted: &Counted) -> Self {
        let figures = &counted.figures;
        let Figures { in_service, maintenance, out_of_service, held, charging, .. } = *figures;
        let mut recusas = BTreeMap::new();
        for refusals in &counted.refusals {
            let codigo = rejection_codigo(&refusals.rejection).to_string();
            *recusas.entry(codigo).or_default() += refusals.count;
        }
        Self {
            horas_de_posto: hours(in_service + maintenance + out_of_service),
            horas_em_servico: hours(in_service),
            horas_em_manutencao: hours(maintenance),
            horas_fora_de_servico: hours(out_of_service),
            horas_reservadas: hours(held),
            horas_carregando: hours(charging),
            ocupacao: fraction(held, in_service),
            utilizacao: fraction(charging, in_service),
            reservas: figures.into(),
            carregamentos: figures.sessions,
            energia_fornecida: figures.energy as f64 / 1e6,
            custo: Centavos::new(figures.cost).brl(),
            recusas,
        }
    }
}

impl From<&Figures> for ReservasContadas {
    fn from(figures: &Figures) -> Self {
        Self {
            feitas: figures.made,
            cumprida: figures.cumprida,
            encerrada: figures.encerrada,
            nao_compareceu: figures.nao_compareceu,
            cancelada: figures.cancelada,
            motivos: MotivosContados {
                pedido: figures.pedido,
                operador: figures.operador,
                manutencao: figures.manutencao,
                posto_removido: figures.posto_removido,
            },
        }
    }
}

/// The numbers of a day, in the document.
fn example() -> serde_json::Value {
    serde_json::json!({
        "horas_de_posto": 48.0, "horas_em_servico": 46.5, "horas_em_manutencao": 1.5,
        "horas_fora_de_servico": 0.0, "horas_reservadas": 20.25, "horas_carregando": 8.5,
        "ocupacao": 0.4355, "utilizacao": 0.1828,
        "reservas": {
            "feitas": 9, "cumprida": 6, "encerrada": 1, "nao_compareceu": 1, "cancelada": 1,
            "motivos": {"pedido": 1, "operador": 0, "manutencao": 0, "posto_removido": 0}
        },
        "carregamentos": 7, "energia_fornecida": 129.4, "custo": 323.5,
        "recusas": {"posto_reservado": 2}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_fractions_have_four_places() {
        let hour = domain::HOUR_MS;
        for (millis, expected) in [
            (0, 0.0),
            (179, 0.0),
            (180, 0.0001),
            (hour, 1.0),
            (hour / 3, 0.3333),
            (hour * 2 / 3, 0.6667),
        ] {
            assert_eq!(hours(millis), expected, "{millis}");
        }
        for (part, whole, expected) in [
            (0, 0, None),
            (hour, 0, None),
            (0, hour, Some(0.0)),
            (1, 3, Some(0.3333)),
            (2, 3, Some(0.6667)),
            (1, 20_000, Some(0.0001)),
            (1, 20_001, Some(0.0)),
            (3 * hour, 2 * hour, Some(1.5)),
        ] {
            assert_eq!(fraction(part, whole), expected, "{part} of {whole}");
        }
    }
}
