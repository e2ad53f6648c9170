//! Collecting the errors of a message, field by field.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::Field;
use crate::numbers::clamp_numbers;
use crate::syntax::Place;

/// Um campo errado e o que seria certo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// O campo, com o nome que tem na mensagem; `carro.placa` para um dentro de um objeto.
    pub campo: String,
    /// O que está errado e o que seria certo.
    pub mensagem: String,
}

impl FieldError {
    pub fn new(campo: &str, mensagem: impl Into<String>) -> Self {
        Self { campo: campo.to_owned(), mensagem: mensagem.into() }
    }

    /// Whether a field of this name is required, and left out.
    pub fn is_missing(&self) -> bool {
        self.mensagem == MISSING
    }

    /// Whether there is no field of this name, and nothing is said of others.
    pub fn is_unknown(&self) -> bool {
        let rest = self.mensagem.strip_prefix(UNKNOWN);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(';'))
    }
}

/// What is said of a required field that is left out.
const MISSING: &str = "é obrigatório";
/// What is said of a field that does not exist, before a suggestion.
pub(crate) const UNKNOWN: &str = "não existe";

/// The field that is reported when the message as a whole is wrong.
const WHOLE: &str = "corpo";

/// Why a payload or body cannot be acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// It is not JSON, or not an object; says why.
    #[error("A mensagem não é um objeto JSON válido: {0}.")]
    NotJson(String),
    /// All fields that are missing or wrong.
    #[error("A requisição tem campos inválidos: {}", sentence(listed(.0)))]
    Fields(Vec<FieldError>),
}

/// All wrong fields, each with what is wrong.
fn listed(campos: &[FieldError]) -> String {
    let campos = campos.iter().map(|FieldError { campo, mensagem }| format!("{campo} {mensagem}"));
    campos.collect::<Vec<_>>().join("; ")
}

/// Ends a sentence that is no question.
fn sentence(text: String) -> String {
    if text.ends_with('?') { text } else { text + "." }
}

impl BadMessage {
    /// What is wrong with a field that should be an object.
    pub(crate) fn of_object(self) -> String {
        match self {
            Self::NotJson(reason) => format!("deve ser um objeto JSON válido: {reason}"),
            Self::Fields(campos) => listed(&campos),
        }
    }

    /// The wrong fields; a message that is no JSON object counts as one.
    pub fn campos(self) -> Vec<FieldError> {
        match self {
            Self::NotJson(mensagem) => vec![FieldError::new(WHOLE, mensagem)],
            Self::Fields(campos) => campos,
        }
    }
}

impl From<serde_json::Error> for BadMessage {
    /// Says where it is wrong, in Portuguese: the library's texts are English, and name our types.
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson(reason(error.classify(), (error.line(), error.column())))
    }
}

fn reason(category: Category, (line, column): (usize, usize)) -> String {
    let place = format!("na linha {line}, coluna {column}");
    match category {
        Category::Eof => format!("termina antes do fim, {place}"),
        Category::Syntax | Category::Io => format!("há um erro de sintaxe {place}"),
        Category::Data => format!("há algo fora do lugar {place}"),
    }
}

/// Reads one JSON object. serde would also take an array, its items as the fields in order of
/// declaration; nobody who sends one means that.
///
/// # Errors
/// Not JSON, or not an object.
pub(crate) fn read_object<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadMessage> {
    let found = match payload.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => "veio vazio",
        Some(b'[') => "veio uma lista",
        Some(b'n') if payload.trim_ascii() == b"null" => "veio null",
        Some(b'"') => "veio um texto",
        Some(b'-' | b'0'..=b'9') => "veio um número",
        // As text: UTF-8 is then checked once, and not string by string.
        _ => match str::from_utf8(payload) {
            Ok(text) => return read_text(text).map_err(|error| with_hint(&error, text)),
            Err(error) => &format!("não é UTF-8 a partir do byte {}", error.valid_up_to()),
        },
    };
    Err(BadMessage::NotJson(found.to_owned()))
}

/// A number that no type holds is no error of the text: it is out of the range of its field.
fn read_text<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text).or_else(|error| match clamp_numbers(text) {
        Some(clamped) if error.is_syntax() => serde_json::from_str(&clamped),
        _ => Err(error),
    })
}

fn with_hint(error: &serde_json::Error, text: &str) -> BadMessage {
    let place = Place::new(text, error.line(), error.column());
    let reason = reason(error.classify(), place.line_and_column());
    BadMessage::NotJson(match place.hint().filter(|_| error.is_syntax()) {
        Some(hint) => format!("{reason}: {hint}"),
        None => reason,
    })
}

/// What to do with fields that do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownFields {
    /// Each is wrong: over HTTP, where a caller has read the documentation.
    Refused,
    /// Only what must be a misspelt field that is missing is wrong: over MQTT, where other programs
    /// and newer ones send fields of their own.
    Tolerated,
}

/// Collects the wrong fields of one message.
#[derive(Debug)]
pub struct Checker {
    campos: Vec<FieldError>,
    pub(crate) unknown_fields: UnknownFields,
}

impl Checker {
    /// Checks a message.
    ///
    /// # Errors
    /// All wrong fields that were reported.
    pub fn run<T>(
        unknown_fields: UnknownFields,
        check: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Result<T, BadMessage> {
        let mut checker = Self { campos: Vec::new(), unknown_fields };
        match check(&mut checker) {
            Some(message) if checker.campos.is_empty() => Ok(message),
            _ => Err(BadMessage::Fields(checker.campos)),
        }
    }

    /// Reports a wrong field.
    pub fn wrong(&mut self, campo: &str, mensagem: impl Into<String>) {
        self.campos.push(FieldError::new(campo, mensagem));
    }

    /// Checks the fields of `object`, which is a field of the message.
    pub fn inside<T>(&mut self, object: &'static str, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.campos.len();
        let checked = check(self);
        for FieldError { campo, .. } in &mut self.campos[before..] {
            *campo = format!("{object}.{campo}");
        }
        checked
    }

    /// The field's value; reports the field when it is missing or invalid.
    pub fn required<T>(&mut self, campo: &str, field: Field<T>) -> Option<T> {
        if matches!(field, Field::Missing) {
            self.wrong(campo, MISSING);
        }
        self.optional(campo, field)
    }

    /// The field's value, if there is one; reports the field when it is invalid.
    pub fn optional<T>(&mut self, campo: &str, field: Field<T>) -> Option<T> {
        match field {
            Field::Value(value) => Some(value),
            Field::Invalid(mensagem) => {
                self.wrong(campo, mensagem);
                None
            }
            Field::Missing => None,
        }
    }
}
