//! Domain values and stored rows as they are written on the wire.

use domain::{Estimate, Moment, ReservaState};
use protocol::{Estimativa, Posto, Reserva, Timestamp};

use crate::reserva_rules::tolerancia_min;
use crate::store::PostoRow;

/// A moment as text, in files and on command lines.
pub(crate) fn time_text(moment: Moment) -> String {
    Timestamp::from(moment).to_string()
}

pub(crate) fn reserva(reserva: &domain::Reserva) -> Reserva {
    let facts = &reserva.facts;
    Reserva {
        id: reserva.id,
        posto_id: reserva.posto_id,
        placa: reserva.placa.as_str().to_owned(),
        inicio: facts.interval.inicio().into(),
        fim: facts.interval.fim().into(),
        status: facts.state.into(),
        desde: facts.desde.into(),
        motivo: facts.motivo.map(Into::into),
        livre_desde: facts.free_early().map(Into::into),
        tolerancia_min: tolerancia_min(facts.tolerancia),
        preco_kwh: facts.preco_kwh.get(),
        versao: facts.versao,
        aviso: facts.aviso.map(Into::into),
    }
}

pub(crate) fn estimativa(estimate: &Estimate) -> Estimativa {
    Estimativa {
        energia_kwh: estimate.energia_kwh(),
        minutos: estimate.minutos,
        custo: estimate.custo.brl(),
        preco_kwh: estimate.preco_kwh.get(),
        autonomia_km: estimate.autonomia_km(),
    }
}

pub(crate) fn posto(record: &PostoRow) -> Posto {
    Posto {
        id: record.id,
        nome: record.nome.clone(),
        localizacao: record.localizacao.clone(),
        potencia_maxima: record.potencia_maxima,
        tipo_conector: record.tipo_conector.clone(),
        preco_kwh: record.preco_kwh,
        disponivel: record.disponivel,
        em_manutencao: record.em_manutencao,
    }
}

/// The `mensagem` of a cancellation.
pub(crate) fn cancelled_mensagem(reserva: &domain::Reserva) -> String {
    let (id, placa) = (reserva.id, &reserva.placa);
    format!("A reserva {id} do carro de placa {placa} foi cancelada.")
}

/// The `mensagem` of a change.
pub(crate) fn changed_mensagem(reserva: &domain::Reserva, nome: &str) -> String {
    let (id, placa) = (reserva.id, &reserva.placa);
    format!("A reserva {id} do posto {nome} para o carro de placa {placa} foi alterada.")
}

/// The `mensagem` of an answer about a reserva.
pub(crate) fn state_mensagem(reserva: &domain::Reserva, nome: &str) -> String {
    let (id, placa) = (reserva.id, &reserva.placa);
    let stands = match reserva.facts.state {
        ReservaState::Ativa => "está ativa",
        ReservaState::Cumprida => "foi cumprida",
        ReservaState::Encerrada => "já terminou",
        ReservaState::NaoCompareceu => "foi liberada, porque o carro não veio",
        ReservaState::Cancelada => "foi cancelada",
    };
    format!("A reserva {id} do posto {nome} para o carro de placa {placa} {stands}.")
}
