//! Collecting everything that is wrong with a message, field by field.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::Loose;

/// One wrong field: its path as spelled on the wire, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field, `carro.placa` for one inside an object.
    pub campo: String,
    /// What is wrong and what would be right.
    pub mensagem: String,
}

/// Stands for a message that has no fields to be named.
const WHOLE: &str = "corpo";

/// Why a payload or body cannot be acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadMessage {
    /// It is not JSON, or not the JSON object it should be.
    NotJson(String),
    /// Fields are missing or wrong; all of them are named.
    Fields(Vec<FieldError>),
}

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(reason) => write!(f, "A mensagem não é um objeto JSON válido: {reason}."),
            Self::Fields(campos) => {
                f.write_str("A requisição tem campos inválidos:")?;
                for (at, FieldError { campo, mensagem }) in campos.iter().enumerate() {
                    let separator = if at == 0 { " " } else { "; " };
                    write!(f, "{separator}{campo} {mensagem}")?;
                }
                f.write_str(".")
            }
        }
    }
}

impl BadMessage {
    /// The wrong fields; where it was no JSON object at all, the whole of it counts as one.
    #[must_use]
    pub fn campos(self) -> Vec<FieldError> {
        match self {
            Self::NotJson(mensagem) => vec![FieldError { campo: WHOLE.to_owned(), mensagem }],
            Self::Fields(campos) => campos,
        }
    }
}

impl From<serde_json::Error> for BadMessage {
    /// Where it is wrong, in words of ours: the library's are English, and name our types.
    fn from(error: serde_json::Error) -> Self {
        let place = format!("na linha {}, coluna {}", error.line(), error.column());
        Self::NotJson(match error.classify() {
            Category::Eof => format!("termina antes do fim, {place}"),
            Category::Syntax | Category::Io => format!("há um erro de sintaxe {place}"),
            Category::Data => match repeated(&error.to_string()) {
                Some(campo) => format!("o campo {campo} vem duas vezes"),
                None => format!("há algo fora do lugar {place}"),
            },
        })
    }
}

/// The field that serde says comes twice: it names it in its sentence only.
fn repeated(error: &str) -> Option<&str> {
    error.strip_prefix("duplicate field `")?.split('`').next()
}

/// Reads one JSON object.
///
/// serde would take an array as well, its items as the fields in order of declaration; nobody
/// who sends one means that.
///
/// # Errors
/// Not JSON, or not an object, or one that has a field twice.
pub fn read_object<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, BadMessage> {
    let found = match payload.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => "veio vazio",
        Some(b'[') => "veio uma lista",
        Some(b'n') if payload.trim_ascii() == b"null" => "veio null",
        Some(b'"') => "veio um texto",
        Some(b'-' | b'0'..=b'9') => "veio um número",
        // As text, so that it is found to be UTF-8 once and not string by string.
        _ => return Ok(serde_json::from_str(read_text(payload)?)?),
    };
    Err(BadMessage::NotJson(found.to_owned()))
}

fn read_text(payload: &[u8]) -> Result<&str, BadMessage> {
    std::str::from_utf8(payload).map_err(|error| {
        BadMessage::NotJson(format!("não é UTF-8 a partir do byte {}", error.valid_up_to()))
    })
}

/// Collects the wrong fields of one message while its right ones are taken out.
#[derive(Debug, Default)]
pub struct Checker {
    campos: Vec<FieldError>,
    /// What comes before the names of the fields that are being checked.
    path: &'static str,
}

impl Checker {
    /// A checker that has found nothing wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a wrong field.
    pub fn wrong(&mut self, campo: &str, mensagem: impl Into<String>) {
        let campo = format!("{}{campo}", self.path);
        self.campos.push(FieldError { campo, mensagem: mensagem.into() });
    }

    /// Checks the fields of an object within the message; `path` leads to them, `carro.` to those
    /// of `carro`.
    pub fn inside<T>(&mut self, path: &'static str, check: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::replace(&mut self.path, path);
        let checked = check(self);
        self.path = outside;
        checked
    }

    /// The field's value; notes it as wrong when it is missing.
    pub fn required<T>(&mut self, campo: &str, field: Loose<T>) -> Option<T> {
        if matches!(field, Loose::Missing) {
            self.wrong(campo, "é obrigatório");
        }
        self.optional(campo, field)
    }

    /// The field's value, if it is there; notes it when it is of the wrong type.
    pub fn optional<T>(&mut self, campo: &str, field: Loose<T>) -> Option<T> {
        match field {
            Loose::Value(value) => Some(value),
            Loose::Wrong(mensagem) => {
                self.wrong(campo, mensagem);
                None
            }
            Loose::Missing => None,
        }
    }

    /// A required text, trimmed, of 1 to `max` characters and no control characters.
    pub fn text(&mut self, campo: &str, field: Loose<String>, max: usize) -> Option<String> {
        let text = self.required(campo, field)?;
        self.bounded_text(campo, &text, max)
    }

    /// `text` trimmed, when that is 1 to `max` characters; control characters are in no text.
    pub fn bounded_text(&mut self, campo: &str, text: &str, max: usize) -> Option<String> {
        let trimmed = text.trim();
        let fits = (1..=max).contains(&trimmed.chars().take(max + 1).count());
        if !fits || text.chars().any(char::is_control) {
            self.wrong(
                campo,
                format!("deve ter de 1 a {max} caracteres, sem caracteres de controle"),
            );
            return None;
        }
        Some(trimmed.to_owned())
    }

    /// A required positive integer, as row ids are.
    pub fn positive_id(&mut self, campo: &str, field: Loose<i64>) -> Option<i64> {
        let id = self.required(campo, field)?;
        if id < 1 {
            self.wrong(campo, "deve ser um número inteiro positivo");
            return None;
        }
        Some(id)
    }

    /// A required finite number over 0 and at most `max`.
    pub fn positive(&mut self, campo: &str, field: Loose<f64>, max: f64) -> Option<f64> {
        let number = self.required(campo, field)?;
        if !(number > 0.0 && number <= max) {
            self.wrong(campo, format!("deve ser maior que 0 e no máximo {max}"));
            return None;
        }
        Some(number)
    }

    /// A required finite number from 0 to `max`; a negative zero is read as zero.
    pub fn level(&mut self, campo: &str, field: Loose<f64>, max: f64) -> Option<f64> {
        let number = self.required(campo, field)?;
        if !(0.0..=max).contains(&number) {
            self.wrong(campo, format!("deve estar entre 0 e {max}"));
            return None;
        }
        Some(number + 0.0)
    }

    /// A required placa in its normal form, see [`normalize_placa`].
    pub fn placa(&mut self, campo: &str, field: Loose<String>) -> Option<String> {
        let raw = self.required(campo, field)?;
        let placa = normalize_placa(&raw);
        if placa.is_none() {
            self.wrong(campo, "deve ter de 5 a 8 letras e números, por exemplo ABC1D23");
        }
        placa
    }

    /// The message, when nothing was wrong and so every field was there.
    ///
    /// # Errors
    /// All wrong fields that were noted.
    pub fn finish<T>(self, message: Option<T>) -> Result<T, BadMessage> {
        match message {
            Some(message) if self.campos.is_empty() => Ok(message),
            _ => Err(BadMessage::Fields(self.campos)),
        }
    }
}

/// A placa in its normal form: no blanks or hyphens, upper case, 5 to 8 of `A-Z 0-9`.
///
/// The two Brazilian formats (ABC1234 and the Mercosul ABC1D23) and those of the neighbours
/// fit; `None` for what cannot be a placa.
#[must_use]
pub fn normalize_placa(raw: &str) -> Option<String> {
    // A placa with decoration is short; nobody's megabyte of hyphens is read to its end.
    if raw.len() > 64 {
        return None;
    }
    let placa: String = raw
        .chars()
        .filter(|character| *character != '-' && !character.is_whitespace())
        .map(|character| character.to_ascii_uppercase())
        .collect();
    let fits =
        (5..=8).contains(&placa.len()) && placa.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(placa)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placas_are_normalized() {
        for (raw, placa) in [
            ("ABC1234", Some("ABC1234")),
            (" abc-1d23 ", Some("ABC1D23")),
            ("abc 12", Some("ABC12")),
            ("AB12", None),
            ("ABC123456", None),
            ("ÁBC1234", None),
            ("ABC_123", None),
            ("", None),
        ] {
            assert_eq!(normalize_placa(raw).as_deref(), placa, "{raw:?}");
        }
        assert_eq!(normalize_placa(&"-".repeat(1 << 20)), None);
    }
}
