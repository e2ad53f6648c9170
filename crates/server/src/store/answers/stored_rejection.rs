//! Refusals as they are stored: as facts, so that a repeat gets the sentence of its time.

use std::borrow::Cow;
use std::time::Duration;

use domain::{DAY, IntervalError, Rejection, days, words};

/// Between the names of the errors of two fields.
const NAME_SEPARATOR: char = '+';
/// The value of the first field is shifted left by so many bits; that of the second is below.
const VALUE_BITS: u32 = 32;

/// The rules of the releases that stored no value with a broken rule: no operator could set them.
const MAXIMA_OF_EARLIER_RELEASES: Duration = DAY.saturating_mul(31);
const ANTECEDENCIA_OF_EARLIER_RELEASES: Duration = DAY.saturating_mul(90);

words! {
    /// What a refusal of a reservation, a change or a cancellation is called in the database. Rows of
    /// all releases have these names, so none may change.
    enum StoredName {
        PostoInexistente = "posto_inexistente",
        PostoJaReservadoParaEsteCarro = "posto_ja_reservado_para_este_carro",
        PostoReservado = "posto_reservado",
        PostoOcupado = "posto_ocupado",
        PostoIndisponivel = "posto_indisponivel",
        PostoEmManutencao = "posto_em_manutencao",
        ReservaInexistente = "reserva_inexistente",
        ReservaEncerrada = "reserva_encerrada",
        ReservaEmUso = "reserva_em_uso",
        LimiteDeReservas = "limite_de_reservas",
        FimNotAfterInicio = "fim_not_after_inicio",
        InicioNotBeforeFim = "inicio_not_before_fim",
        InicioBegun = "inicio_begun",
        FimInPast = "fim_in_past",
        InicioInPast = "inicio_in_past",
        TooLong = "too_long",
        TooFarAhead = "too_far_ahead",
    }
}

/// What a refusal is about. Which of these its sentence names depends on its name.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::store) struct About<'a> {
    pub(in crate::store) posto_id: i64,
    /// Of the posto.
    pub(in crate::store) nome: &'a str,
    pub(in crate::store) request_id: &'a str,
    pub(in crate::store) server_id: &'a str,
}

impl StoredName {
    /// `None` for refusals of other commands. Of several wrong fields it is that of the first.
    fn of(rejection: &Rejection) -> Option<Self> {
        Some(match rejection {
            Rejection::PostoInexistente { .. } => Self::PostoInexistente,
            Rejection::PostoJaReservadoParaEsteCarro { .. } => Self::PostoJaReservadoParaEsteCarro,
            Rejection::PostoReservado { .. } => Self::PostoReservado,
            Rejection::PostoOcupado { .. } => Self::PostoOcupado,
            Rejection::PostoIndisponivel { .. } => Self::PostoIndisponivel,
            Rejection::PostoEmManutencao { .. } => Self::PostoEmManutencao,
            Rejection::Interval(errors) => Self::of_interval(*errors.first()?),
            Rejection::ReservaInexistente { .. } => Self::ReservaInexistente,
            Rejection::ReservaEncerrada => Self::ReservaEncerrada,
            Rejection::ReservaEmUso => Self::ReservaEmUso,
            Rejection::LimiteDeReservas { .. } => Self::LimiteDeReservas,
            _ => return None,
        })
    }

    fn of_interval(error: IntervalError) -> Self {
        match error {
            IntervalError::FimNotAfterInicio => Self::FimNotAfterInicio,
            IntervalError::InicioNotBeforeFim => Self::InicioNotBeforeFim,
            IntervalError::InicioBegun => Self::InicioBegun,
            IntervalError::FimInPast => Self::FimInPast,
            IntervalError::InicioInPast => Self::InicioInPast,
            IntervalError::TooLong { .. } => Self::TooLong,
            IntervalError::TooFarAhead { .. } => Self::TooFarAhead,
        }
    }

    /// The refusal of this name; `None` if the value with it is none that its rule can have.
    fn rejection(self, detail: Option<i64>, about: About<'_>) -> Option<Rejection> {
        let (nome, server_id) = (about.nome.to_owned(), about.server_id.to_owned());
        let interval = |error| Rejection::Interval(vec![error]);
        let rule = |of_earlier_releases: Duration| match detail {
            Some(days) => u32::try_from(days).ok().and_then(|days| DAY.checked_mul(days)),
            None => Some(of_earlier_releases),
        };
        Some(match self {
            Self::PostoInexistente => {
                Rejection::PostoInexistente { posto_id: about.posto_id, server_id }
            }
            Self::PostoJaReservadoParaEsteCarro => {
                Rejection::PostoJaReservadoParaEsteCarro { nome }
            }
            Self::PostoReservado => Rejection::PostoReservado { nome },
            Self::PostoOcupado => Rejection::PostoOcupado { nome },
            Self::PostoIndisponivel => Rejection::PostoIndisponivel { nome },
            Self::PostoEmManutencao => Rejection::PostoEmManutencao { nome },
            Self::ReservaInexistente => {
                Rejection::ReservaInexistente { reserva: about.request_id.to_owned(), server_id }
            }
            Self::ReservaEncerrada => Rejection::ReservaEncerrada,
            Self::ReservaEmUso => Rejection::ReservaEmUso,
            Self::LimiteDeReservas => {
                Rejection::LimiteDeReservas { limite: u32::try_from(detail?).ok()? }
            }
            Self::FimNotAfterInicio => interval(IntervalError::FimNotAfterInicio),
            Self::InicioNotBeforeFim => interval(IntervalError::InicioNotBeforeFim),
            Self::InicioBegun => interval(IntervalError::InicioBegun),
            Self::FimInPast => interval(IntervalError::FimInPast),
            Self::InicioInPast => interval(IntervalError::InicioInPast),
            Self::TooLong => {
                let maxima = rule(MAXIMA_OF_EARLIER_RELEASES)?;
                interval(IntervalError::TooLong { maxima })
            }
            Self::TooFarAhead => {
                let antecedencia = rule(ANTECEDENCIA_OF_EARLIER_RELEASES)?;
                interval(IntervalError::TooFarAhead { antecedencia })
            }
        })
    }
}

/// The name and the value with which a refusal of a reservation, a change or a cancellation is
/// stored; `None` for refusals of other commands.
pub(in crate::store) fn stored_form(
    rejection: &Rejection,
) -> Option<(Cow<'static, str>, Option<i64>)> {
    let name = rejection_name(rejection)?;
    if let Rejection::Interval(errors) = rejection
        && let [first, second] = errors.as_slice()
    {
        let second_name = StoredName::of_interval(*second).as_str();
        let value = |error| stored_days(error).unwrap_or_default();
        let values = value(*first) << VALUE_BITS | value(*second);
        return Some((format!("{name}{NAME_SEPARATOR}{second_name}").into(), Some(values)));
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
    StoredName::of(rejection).map(StoredName::as_str)
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
    rejection(name, Some(0), About::default())
}

/// What [`stored_form`] stands for.
pub(in crate::store) fn rejection(
    name: &str,
    detail: Option<i64>,
    about: About<'_>,
) -> Option<Rejection> {
    let Some((first, second)) = name.split_once(NAME_SEPARATOR) else {
        return StoredName::parse(name).ok()?.rejection(detail, about);
    };
    let values = detail?;
    let mut errors = Vec::new();
    for (name, value) in [(first, values >> VALUE_BITS), (second, values & ((1 << VALUE_BITS) - 1))]
    {
        let Rejection::Interval(error) =
            StoredName::parse(name).ok()?.rejection(Some(value), about)?
        else {
            return None;
        };
        errors.extend(error);
    }
    Some(Rejection::Interval(errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, detail: Option<i64>) -> Option<Rejection> {
        let (nome, request_id, server_id) = ("Ponto 5", "r1", "server1");
        rejection(name, detail, About { posto_id: 5, nome, request_id, server_id })
    }

    #[test]
    fn every_name_is_read_as_what_is_stored_under_it() {
        for name in StoredName::ALL {
            let refused = read(name.as_str(), Some(2)).expect("a refusal");
            let (stored, detail) = stored_form(&refused).expect("a name");
            assert_eq!(stored, name.as_str());
            assert_eq!(read(&stored, detail), Some(refused), "{stored}");
        }
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
        let antecedencia = DAY * 90;
        assert_eq!(read("too_far_ahead", None), of(IntervalError::TooFarAhead { antecedencia }));
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
