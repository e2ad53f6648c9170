//! Refusals as they are stored: as facts, so that a repeat gets the sentence of its time.

use std::time::Duration;

use domain::{DAY, IntervalError, Rejection, Rules, days};

/// The name under which a refusal of a reservation, a change or a cancellation is stored, and the
/// value of the rule that it names; `None` for refusals of other commands.
pub(super) fn rejection_name(rejection: &Rejection) -> Option<(&'static str, Option<i64>)> {
    let name = match rejection {
        Rejection::PostoInexistente { .. } => "posto_inexistente",
        Rejection::PostoJaReservadoParaEsteCarro { .. } => "posto_ja_reservado_para_este_carro",
        Rejection::PostoReservado { .. } => "posto_reservado",
        Rejection::PostoOcupado { .. } => "posto_ocupado",
        Rejection::PostoIndisponivel { .. } => "posto_indisponivel",
        Rejection::PostoEmManutencao { .. } => "posto_em_manutencao",
        Rejection::Interval(IntervalError::FimNotAfterInicio) => "fim_not_after_inicio",
        Rejection::Interval(IntervalError::InicioNotBeforeFim) => "inicio_not_before_fim",
        Rejection::Interval(IntervalError::InicioBegun) => "inicio_begun",
        Rejection::Interval(IntervalError::FimInPast) => "fim_in_past",
        Rejection::Interval(IntervalError::InicioInPast) => "inicio_in_past",
        Rejection::Interval(IntervalError::TooLong { maxima }) => {
            return Some(("too_long", stored_days(*maxima)));
        }
        Rejection::Interval(IntervalError::TooFarAhead { antecedencia }) => {
            return Some(("too_far_ahead", stored_days(*antecedencia)));
        }
        Rejection::ReservaInexistente { .. } => "reserva_inexistente",
        Rejection::ReservaEncerrada => "reserva_encerrada",
        Rejection::ReservaEmUso => "reserva_em_uso",
        Rejection::LimiteDeReservas { limite } => {
            return Some(("limite_de_reservas", Some(i64::from(*limite))));
        }
        _ => return None,
    };
    Some((name, None))
}

/// A refusal that is stored under this name, of nothing in particular.
pub(super) fn example(name: &str) -> Option<Rejection> {
    rejection(name, Some(0), 0, String::new(), "", "")
}

fn stored_days(duration: Duration) -> Option<i64> {
    i64::try_from(days(duration)).ok()
}

/// What [`rejection_name`] stands for, of the request `request_id` about this posto.
pub(super) fn rejection(
    name: &str,
    detail: Option<i64>,
    posto_id: i64,
    nome: String,
    request_id: &str,
    server_id: &str,
) -> Option<Rejection> {
    let days = |default| match detail {
        Some(days) => u32::try_from(days).ok().and_then(|days| DAY.checked_mul(days)),
        // Earlier releases had this rule alone, and one value for it.
        None => Some(default),
    };
    Some(match name {
        "posto_inexistente" => {
            Rejection::PostoInexistente { posto_id, server_id: server_id.to_owned() }
        }
        "posto_ja_reservado_para_este_carro" => Rejection::PostoJaReservadoParaEsteCarro { nome },
        "posto_reservado" => Rejection::PostoReservado { nome },
        "posto_ocupado" => Rejection::PostoOcupado { nome },
        "posto_indisponivel" => Rejection::PostoIndisponivel { nome },
        "posto_em_manutencao" => Rejection::PostoEmManutencao { nome },
        "fim_not_after_inicio" => Rejection::Interval(IntervalError::FimNotAfterInicio),
        "inicio_not_before_fim" => Rejection::Interval(IntervalError::InicioNotBeforeFim),
        "inicio_begun" => Rejection::Interval(IntervalError::InicioBegun),
        "fim_in_past" => Rejection::Interval(IntervalError::FimInPast),
        "inicio_in_past" => Rejection::Interval(IntervalError::InicioInPast),
        "reserva_inexistente" => Rejection::ReservaInexistente {
            reserva: request_id.to_owned(),
            server_id: server_id.to_owned(),
        },
        "reserva_encerrada" => Rejection::ReservaEncerrada,
        "reserva_em_uso" => Rejection::ReservaEmUso,
        "too_long" => {
            let maxima = days(Rules::default().maxima)?;
            Rejection::Interval(IntervalError::TooLong { maxima })
        }
        "too_far_ahead" => {
            let antecedencia = days(Rules::default().antecedencia)?;
            Rejection::Interval(IntervalError::TooFarAhead { antecedencia })
        }
        "limite_de_reservas" => {
            Rejection::LimiteDeReservas { limite: u32::try_from(detail?).ok()? }
        }
        _ => return None,
    })
}
