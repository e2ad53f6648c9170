//! Of when statistics are asked for, and in which steps.

use domain::{Fuso, InvalidValue, Moment, Passo, PeriodError, RowId, Steps};
use protocol::{
    BadMessage, Field, FieldError, FieldValue, Invalid, OrDefault, Scalar, fields, shortened,
};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::failure::Failure;
use crate::wire;

/// Without `de`, the period begins with the day so many days before the one in which it ends.
const DAYS_BEFORE: i64 = 6;

/// The word for the length of steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PassoWord(pub(super) Passo);

impl Default for PassoWord {
    fn default() -> Self {
        Self(Passo::Dia)
    }
}

impl FieldValue for PassoWord {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid> {
        let word = scalar.text("um texto")?;
        Passo::parse(word).map(Self).map_err(|error| but_was(error, word))
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.0.as_str().into())
    }

    fn schema() -> RefOr<Schema> {
        let words = Passo::ALL.iter().map(|passo| passo.as_str());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

fn but_was(error: InvalidValue, text: &str) -> Invalid {
    Invalid(format!("{error}, mas veio {}", shortened(text)))
}

/// The offset of local time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Offset(pub(super) Fuso);

impl FieldValue for Offset {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, Invalid> {
        let text = scalar.text("um texto")?;
        // In a query a plus sign that nobody has encoded stands for a blank.
        let text = text.replacen(' ', "+", 1);
        Fuso::parse(&text).map(Self).map_err(|error| but_was(error, &text))
    }

    fn to_scalar(&self) -> Scalar<'_> {
        Scalar::Text(self.0.to_string().into())
    }

    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.pattern(Some(Fuso::PATTERN)).into()
    }
}

fields! {
    pub(super) struct Period {
        /// Primeiro instante do período; por padrão, o começo do dia 6 dias antes do dia em que ele
        /// termina.
        de: Option<Moment>,
        /// Primeiro instante depois do período; por padrão, agora.
        ate: Option<Moment>,
        /// De quanto é cada passo: no máximo 1000 passos. Dias, semanas (de segunda a domingo), meses e
        /// anos começam à meia-noite do `fuso`.
        passo: OrDefault<PassoWord>,
        /// Quanto a hora local está à frente do UTC, em horas inteiras: o mesmo no período inteiro.
        fuso: OrDefault<Offset>,
        /// Somente deste posto, também de um que foi removido.
        posto_id: Option<RowId>,
    }
    rules |raw| {
        if let (Some(Field::Value(de)), Some(Field::Value(ate))) = (&raw.de, &raw.ate)
            && let (Some(passo), Some(fuso)) = (value(&raw.passo), value(&raw.fuso))
            && let Err(error) = Steps::new(*de, *ate, passo.0, fuso.0)
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
            format!("{error} ({}), mas veio {}", wire::timestamp(ate), wire::timestamp(de))
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
        let fuso = self.fuso.0.0;
        let ate = self.ate.unwrap_or(now);
        // A period that ends at midnight ends with the day before.
        let de = self.de.unwrap_or_else(|| fuso.days_before(ate.plus_millis(-1), DAYS_BEFORE));
        Steps::new(de, ate, self.passo.0.0, fuso).map_err(|error| {
            let (campo, mensagem) = (error.campo().to_owned(), sentence(error, de, ate));
            Failure::Bad(BadMessage::Fields(vec![FieldError { campo, mensagem }]))
        })
    }
}
