//! Between what travels and what is true: wire types to domain types and back.

use domain::{Interval, Kwh, KwhPerKm, Moment, Placa, ReservaState, Stretch};
use protocol::{BadMessage, FieldError, Posto, Reserva, ReservaStatus, Timestamp};

use crate::store::PostoRow;

/// A value that the wire's rules let pass and the domain's do not, as a wrong field.
pub(crate) fn checked<T>(campo: &str, value: Result<T, impl ToString>) -> Result<T, BadMessage> {
    value.map_err(|error| {
        let (campo, mensagem) = (campo.to_owned(), error.to_string());
        BadMessage::Fields(vec![FieldError { campo, mensagem }])
    })
}

pub(crate) fn carro(carro: &protocol::Carro) -> Result<domain::Carro, BadMessage> {
    Ok(domain::Carro {
        placa: checked("carro.placa", Placa::new(&carro.placa))?,
        modelo: carro.modelo.clone(),
        capacidade_bateria: checked(
            "carro.capacidade_bateria",
            Kwh::new(carro.capacidade_bateria),
        )?,
        nivel_bateria: checked("carro.nivel_bateria_atual", Kwh::new(carro.nivel_bateria_atual))?,
        taxa_descarga: checked("carro.taxa_descarga", KwhPerKm::new(carro.taxa_descarga))?,
    })
}

pub(crate) fn stretch(inicio: Option<Timestamp>, fim: Option<Timestamp>) -> Stretch {
    let moment = |timestamp: Timestamp| Moment::from_millis(timestamp.as_millis());
    Stretch { inicio: inicio.map(moment), fim: fim.map(moment) }
}

/// A moment as it travels. Every moment of ours is between 1970 and 9998; should a broken clock
/// say otherwise, the nearest that can be written stands for it.
pub(crate) fn timestamp(moment: Moment) -> Timestamp {
    Timestamp::clamped(moment.as_millis())
}

pub(crate) fn reserva_status(state: ReservaState) -> ReservaStatus {
    match state {
        ReservaState::Ativa => ReservaStatus::Ativa,
        ReservaState::Cancelada => ReservaStatus::Cancelada,
        ReservaState::Encerrada => ReservaStatus::Encerrada,
    }
}

pub(crate) fn reserva_state(status: ReservaStatus) -> ReservaState {
    match status {
        ReservaStatus::Ativa => ReservaState::Ativa,
        ReservaStatus::Cancelada => ReservaState::Cancelada,
        ReservaStatus::Encerrada => ReservaState::Encerrada,
    }
}

pub(crate) fn reserva(reserva: &domain::Reserva) -> Reserva {
    let interval: Interval = reserva.interval;
    Reserva {
        id: reserva.id,
        posto_id: reserva.posto_id,
        placa: reserva.placa.as_str().to_owned(),
        inicio: timestamp(interval.inicio()),
        fim: timestamp(interval.fim()),
        status: reserva_status(reserva.state),
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

/// Tells a driver that a reserva holds nothing any more.
pub(crate) fn cancelled_mensagem(reserva: &domain::Reserva) -> String {
    let (id, placa) = (reserva.id, &reserva.placa);
    format!("A reserva {id} do carro de placa {placa} foi cancelada.")
}

/// Tells a driver how a reserva stands.
pub(crate) fn state_mensagem(reserva: &domain::Reserva, nome: &str) -> String {
    let (id, placa) = (reserva.id, &reserva.placa);
    let stands = match reserva.state {
        ReservaState::Ativa => "está ativa",
        ReservaState::Cancelada => "foi cancelada",
        ReservaState::Encerrada => "já terminou",
    };
    format!("A reserva {id} do posto {nome} para o carro de placa {placa} {stands}.")
}
