//! Domain values and stored rows as they are written on the wire.

use domain::{Moment, ReservaState};
use protocol::{Posto, Reserva, Timestamp};

use crate::store::PostoRow;

pub(crate) fn timestamp(moment: Moment) -> Timestamp {
    moment.into()
}

/// As texts on command lines.
pub(crate) fn text_of_millis(millis: i64) -> String {
    timestamp(Moment::from_millis(millis)).to_string()
}

pub(crate) fn reserva(reserva: &domain::Reserva) -> Reserva {
    Reserva {
        id: reserva.id,
        posto_id: reserva.posto_id,
        placa: reserva.placa.as_str().to_owned(),
        inicio: reserva.interval.inicio().into(),
        fim: reserva.interval.fim().into(),
        status: reserva.state,
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

/// The `mensagem` of an answer about a reserva.
pub(crate) fn state_mensagem(reserva: &domain::Reserva, nome: &str) -> String {
    let (id, placa) = (reserva.id, &reserva.placa);
    let stands = match reserva.state {
        ReservaState::Ativa => "está ativa",
        ReservaState::Cancelada => "foi cancelada",
        ReservaState::Encerrada => "já terminou",
    };
    format!("A reserva {id} do posto {nome} para o carro de placa {placa} {stands}.")
}
