//! The settings of the rules about reservas.

use std::str::FromStr;
use std::time::Duration;

pub(crate) use domain::Rules;
use domain::{DAY, HOUR};
use service::{ConfigError, InvalidValue, Lookup, Setting};

use crate::failpoints;

pub(crate) const RESERVA_DURACAO_H: Setting = Setting {
    name: "RESERVA_DURACAO_H",
    default: Some("24"),
    should_be: "a number of hours from 1 to 8760, at most RESERVA_MAXIMA_DIAS",
    about: "hours that a reserva lasts when its end is not asked for",
};

pub(crate) const RESERVA_MAXIMA_DIAS: Setting = Setting {
    name: "RESERVA_MAXIMA_DIAS",
    default: Some("31"),
    should_be: "a number of days from 1 to 365",
    about: "days that a reserva may last",
};

pub(crate) const RESERVA_ANTECEDENCIA_DIAS: Setting = Setting {
    name: "RESERVA_ANTECEDENCIA_DIAS",
    default: Some("90"),
    should_be: "a number of days from 0 to 3650",
    about: "days ahead that a reserva may begin",
};

pub(crate) const RESERVA_TOLERANCIA_MIN: Setting = Setting {
    name: "RESERVA_TOLERANCIA_MIN",
    default: Some("0"),
    should_be: "a number of minutes from 0 to 1440, 0 to wait until the end",
    about: "minutes after which a reserva whose carro has not come is released; 0: never",
};

pub(crate) const RESERVAS_POR_CARRO: Setting = Setting {
    name: "RESERVAS_POR_CARRO",
    default: Some("3"),
    should_be: "a number from 0 to 1000, 0 for no limit",
    about: "reservas that a carro may have at once; 0: no limit",
};

/// The length of the minute in which an operator's tolerance is counted.
fn minute() -> Duration {
    failpoints::minute(Duration::from_secs(60))
}

/// A whole number within bounds.
struct Whole<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> FromStr for Whole<MIN, MAX> {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or(InvalidValue)
    }
}

/// The minutes of a tolerance, as it was set; `None` if there is none.
pub(crate) fn tolerancia_min(tolerancia: Duration) -> Option<i64> {
    let minutes = tolerancia.as_millis() / minute().as_millis().max(1);
    i64::try_from(minutes).ok().filter(|minutes| *minutes > 0)
}

pub(crate) fn read(lookup: Lookup<'_>) -> Result<Rules, ConfigError> {
    let rules = Rules {
        duracao: HOUR * RESERVA_DURACAO_H.read::<Whole<1, 8760>>(lookup)?.0,
        maxima: DAY * RESERVA_MAXIMA_DIAS.read::<Whole<1, 365>>(lookup)?.0,
        antecedencia: DAY * RESERVA_ANTECEDENCIA_DIAS.read::<Whole<0, 3650>>(lookup)?.0,
        tolerancia: minute() * RESERVA_TOLERANCIA_MIN.read::<Whole<0, 1440>>(lookup)?.0,
        por_carro: RESERVAS_POR_CARRO.read::<Whole<0, 1000>>(lookup)?.0,
    };
    if rules.duracao > rules.maxima {
        // Nobody could reserve without asking for an end.
        let Setting { name, should_be, .. } = RESERVA_DURACAO_H;
        let hours = rules.duracao.as_secs() / HOUR.as_secs();
        return Err(ConfigError::Malformed { name, value: hours.to_string(), should_be });
    }
    Ok(rules)
}
