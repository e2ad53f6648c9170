//! Refusals as they are stored: as facts, so that a repeat gets the sentence of its time.

use std::borrow::Cow;
use std::time::Duration;

use domain::{DAY, IntervalError, Rejection, Rules, days};

/// Between the names of the errors of two fields.
const NAME_SEPARATOR: char = '+';
/// The value of the first field is shifted left by so many bits; that of the second is below.
const VALUE_BITS: u32 = 32;

/// The name and the value with which a refusal of a reservation, a change or a cancellation is
/// stored; `None` for refusals of other commands.
pub(in crate::store) fn stored_form(
    rejection: &Rejection,
) -> Option<(Cow<'static, str>, Option<i64>)> {
    let name = rejection_name(rejection)?;
    if let Rejection::Interval(errors) = rejection
        && let [first, second] = errors.as_slice()
    {
        let name = format!("{name}{NAME_SEPARATOR}{}", interval_name(*second));
        let value = |error| stored_days(error).unwrap_or_default();
        return Some((name.into(), Some(value(*first) << VALUE_BITS | value(*second))));
    }
    let detail = match rejection {
        Rejection::Interval(errors) => errors.first().copied().and_then(stored_days),
        Rejection::LimiteDeReservas { limite } => Some(i64::from(*limite)),
        _ => None,
    };
    Some((name.into(), detail))
}

/// The name under which the same refusals are counted: of several wrong fields, that of the first.
pub(in crate::store) fn rejection_name(rejection: &Rejection) -> Option<&'static str> {
    Some(match rejection {
        Rejection::PostoInexistente { .. } => "posto_inexistente",
        Rejection::PostoJaReservadoParaEsteCarro { .. } => "posto_ja_reservado_para_este_carro",
        Rejection::PostoReservado { .. } => "posto_reservado",
        Rejection::PostoOcupado { .. } => "posto_ocupado",
        Rejection::PostoIndisponivel { .. } => "posto_indisponivel",
        Rejection::PostoEmManutencao { .. } => "posto_em_manutencao",
        Rejection::Interval(errors) => interval_name(*errors.first()?),
        Rejection::ReservaInexistente { .. } => "reserva_inexistente",
        Rejection::ReservaEncerrada => "reserva_encerrada",
        Rejection::ReservaEmUso => "reserva_em_uso",
        Rejection::LimiteDeReservas { .. } => "limite_de_reservas",
        _ => return None,
    })
}

fn interval_name(error: IntervalError) -> &'static str {
    match error {
        IntervalError::FimNotAfterInicio => "fim_not_after_inicio",
        IntervalError::InicioNotBeforeFim => "inicio_not_before_fim",
        IntervalError::InicioBegun => "inicio_begun",
        IntervalError::FimInPast => "fim_in_past",
        IntervalError::InicioInPast => "inicio_in_past",
        IntervalError::TooLong { .. } => "too_long",
        IntervalError::TooFarAhead { .. } => "too_far_ahead",
    }
}

/// The days of the rule that is broken.
fn stored_days(error: IntervalError) -> Option<i64> {
    let (IntervalError::TooLong { maxima: rule }
    | IntervalError::TooFarAhead { antecedencia: rule }) = error
    else {
        return None;
    };
    i64::try_from(days(rule)).ok()
}

/// A refusal that is stored under this name, of nothing in particular.
pub(in crate::store) fn example(name: &str) -> Option<Rejection> {
    rejection(name, Some(0), 0, String::new(), "", "")
}

/// What [`stored`] stands for, of the request `request_id` about this posto.
pub(in crate::store) fn rejection(
    name: &str,
    detail: Option<i64>,
    posto_id: i64,
    nome: String,
    request_id: &str,
    server_id: &str,
) -> Option<Rejection> {
    if let Some(errors) = interval_errors(name, detail) {
        return Some(Rejection::Interval(errors));
    }
    Some(match name {
        "posto_inexistente" => {
            Rejection::PostoInexistente { posto_id, server_id: server_id.to_owned() }
        }
        "posto_ja_reservado_para_este_carro" => Rejection::PostoJaReservadoParaEsteCarro { nome },
        "posto_reservado" => Rejection::PostoReservado { nome },
        "posto_ocupado" => Rejection::PostoOcupado { nome },
        "posto_indisponivel" => Rejection::PostoIndisponivel { nome },
        "posto_em_manutencao" => Rejection::PostoEmManutencao { nome },
        "reserva_inexistente" => Rejection::ReservaInexistente {
            reserva: request_id.to_owned(),
            server_id: server_id.to_owned(),
        },
        "reserva_encerrada" => Rejection::ReservaEncerrada,
        "reserva_em_uso" => Rejection::ReservaEmUso,
        "limite_de_reservas" => {
            Rejection::LimiteDeReservas { limite: u32::try_from(detail?).ok()? }
        }
        _ => return None,
    })
}

/// The wrong fields of an interval, if this is their name.
fn interval_errors(name: &str, detail: Option<i64>) -> Option<Vec<IntervalError>> {
    let Some((first, second)) = name.split_once(NAME_SEPARATOR) else {
        return Some(vec![interval_error(name, detail)?]);
    };
    let values = detail?;
    let (of_first, of_second) = (values >> VALUE_BITS, values & ((1 << VALUE_BITS) - 1));
    Some(vec![interval_error(first, Some(of_first))?, interval_error(second, Some(of_second))?])
}

fn interval_error(name: &str, detail: Option<i64>) -> Option<IntervalError> {
    let rule = |default: Duration| match detail {
        Some(days) => u32::try_from(days).ok().and_then(|days| DAY.checked_mul(days)),
        // Earlier releases had this rule alone, and one value for it.
        None => Some(default),
    };
    Some(match name {
        "fim_not_after_inicio" => IntervalError::FimNotAfterInicio,
        "inicio_not_before_fim" => IntervalError::InicioNotBeforeFim,
        "inicio_begun" => IntervalError::InicioBegun,
        "fim_in_past" => IntervalError::FimInPast,
        "inicio_in_past" => IntervalError::InicioInPast,
        "too_long" => IntervalError::TooLong { maxima: rule(Rules::default().maxima)? },
        "too_far_ahead" => {
            IntervalError::TooFarAhead { antecedencia: rule(Rules::default().antecedencia)? }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, detail: Option<i64>) -> Option<Rejection> {
        rejection(name, detail, 5, "Ponto 5".to_owned(), "r1", "server1")
    }

    #[test]
    fn a_repeat_is_told_both_fields_and_the_values_of_then() {
        use IntervalError::{FimInPast, FimNotAfterInicio, InicioBegun, InicioInPast};
        let maxima = |days: u32| IntervalError::TooLong { maxima: DAY * days };
        let ahead = |days: u32| IntervalError::TooFarAhead { antecedencia: DAY * days };
        for errors in [
            vec![FimNotAfterInicio],
            vec![maxima(7)],
            vec![ahead(0)],
            vec![InicioInPast, FimInPast],
            vec![InicioInPast, maxima(31)],
            vec![InicioBegun, FimInPast],
            vec![InicioBegun, maxima(1)],
            vec![ahead(3650), FimInPast],
            vec![ahead(3650), maxima(365)],
            vec![ahead(0), maxima(1)],
        ] {
            let refused = Rejection::Interval(errors);
            let (name, detail) = stored_form(&refused).expect("a name");
            assert_eq!(read(&name, detail), Some(refused), "{name} {detail:?}");
        }
        let limite = Rejection::LimiteDeReservas { limite: 3 };
        let (name, detail) = stored_form(&limite).expect("a name");
        assert_eq!(read(&name, detail), Some(limite));
    }

    /// Rows name a single field if they are of earlier releases, which had fixed rules at first.
    #[test]
    fn rows_of_earlier_releases_are_read() {
        let of = |error| Some(Rejection::Interval(vec![error]));
        let too_long = |days| IntervalError::TooLong { maxima: DAY * days };
        assert_eq!(read("too_long", None), of(too_long(31)));
        assert_eq!(read("too_long", Some(2)), of(too_long(2)));
        let antecedencia = DAY * 30;
        assert_eq!(
            read("too_far_ahead", Some(30)),
            of(IntervalError::TooFarAhead { antecedencia })
        );
        assert_eq!(read("fim_in_past", None), of(IntervalError::FimInPast));
        for damaged in ["fim_in_past+", "+", "inicio_in_past+posto_reservado"] {
            assert_eq!(read(damaged, Some(0)), None, "{damaged}");
        }
        assert_eq!(read("inicio_in_past+fim_in_past", None), None);
    }
}
