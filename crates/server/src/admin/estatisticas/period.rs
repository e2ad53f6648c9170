//! The period that statistics are asked for, and its steps.

use domain::{Fuso, Moment, Passo, PeriodError, RowId, Steps};
use protocol::{BadMessage, Field, FieldError, OrDefault, fields};

use crate::failure::Failure;
use crate::wire;

/// Without `de`, the period begins with the day so many days before the one in which it ends.
const DAYS_BEFORE: i64 = 6;

fields! {
    pub(super) struct Period {
        /// Primeiro instante do período; por padrão, o começo do dia 6 dias antes do dia em que ele
        /// termina.
        de: Option<Moment>,
        /// Primeiro instante depois do período; por padrão, agora.
        ate: Option<Moment>,
        /// De quanto é cada passo: no máximo 1000 passos. Dias, semanas (de segunda a domingo), meses e
        /// anos começam à meia-noite do `fuso`.
        passo: OrDefault<Passo>,
        /// Quanto a hora local está à frente do UTC, em horas inteiras: o mesmo no período inteiro.
        fuso: OrDefault<Fuso>,
        /// Somente deste posto, também de um que foi removido.
        posto_id: Option<RowId>,
    }
    rules |raw| {
        if let (Some(Field::Value(de)), Some(Field::Value(ate))) = (&raw.de, &raw.ate)
            && let (Some(passo), Some(fuso)) = (value(&raw.passo), value(&raw.fuso))
            && let Err(error) = Steps::new(*de, *ate, passo, fuso)
        {
            let wrong = sentence(error, *de, *ate);
            match error {
                PeriodError::NotBeforeEnd => raw.de = Some(Field::Invalid(wrong)),
                PeriodError::TooManySteps { .. } => raw.passo = Some(Field::Invalid(wrong)),
            }
        }
    }
}

/// What is wrong, with the values that are.
fn sentence(error: PeriodError, de: Moment, ate: Moment) -> String {
    match error {
        PeriodError::NotBeforeEnd => {
            format!("{error} ({}), mas veio {}", wire::time_text(ate), wire::time_text(de))
        }
        PeriodError::TooManySteps { .. } => error.to_string(),
    }
}

/// The value of a field, or its default; `None` if it is wrong.
fn value<T: Copy + Default>(field: &Option<Field<T>>) -> Option<T> {
    match field {
        Some(Field::Value(value)) => Some(*value),
        Some(Field::Invalid(_)) => None,
        Some(Field::Missing) | None => Some(T::default()),
    }
}

impl Period {
    /// Its steps, where what was left out follows from `now`.
    pub(super) fn steps(&self, now: Moment) -> Result<Steps, Failure> {
        let fuso = self.fuso.0;
        let ate = self.ate.unwrap_or(now);
        // A period that ends at midnight ends with the day before.
        let de = self.de.unwrap_or_else(|| fuso.days_before(ate.plus_millis(-1), DAYS_BEFORE));
        Steps::new(de, ate, self.passo.0, fuso).map_err(|error| {
            let wrong = FieldError::new(error.campo(), sentence(error, de, ate));
            Failure::Bad(BadMessage::Fields(vec![wrong]))
        })
    }
}
