//! What was changed by whom, written in the transaction of the change.
//!
//! Its rows name no placa and no `request_id`, so forgetting a carro leaves them alone.

use std::fmt;

use domain::{Moment, words};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// Who changes something, as the audit names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A caller of the admin API, by the name of its token.
    Caller(String),
    /// A charger, about its own posto.
    Charger,
    /// Somebody at the command line of the servidor.
    CommandLine,
    /// The servidor itself, as its settings say.
    Server,
}

impl Author {
    /// Names that no token may have.
    pub const RESERVED: [&str; 3] = ["carregador", "linha de comando", "servidor"];

    pub fn as_str(&self) -> &str {
        match self {
            Self::Caller(name) => name,
            Self::Charger => Self::RESERVED[0],
            Self::CommandLine => Self::RESERVED[1],
            Self::Server => Self::RESERVED[2],
        }
    }
}

words! {
    /// What was done.
    pub enum Action {
        Create = "criar",
        Change = "alterar",
        Remove = "remover",
        /// A posto that a file made or changed.
        Import = "importar",
        /// A charger reported another state.
        Report = "informar",
        /// A charging session began.
        Start = "iniciar",
        /// A charging session ended.
        Finish = "encerrar",
        Cancel = "cancelar",
        /// A reserva got another posto.
        Move = "mover",
        Revoke = "revogar",
        /// A carro, or what a charger had reported.
        Forget = "esquecer",
        Restore = "restaurar",
    }
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Target<'a> {
    Posto(i64),
    /// What the charger of a posto has reported.
    Carregador(i64),
    Reserva(i64),
    Carregamento(i64),
    Token(&'a str),
    /// Some of all carros; which is not said.
    Carros,
    Database,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Posto(id) => write!(f, "posto/{id}"),
            Self::Carregador(id) => write!(f, "posto/{id}/carregador"),
            Self::Reserva(id) => write!(f, "reserva/{id}"),
            Self::Carregamento(id) => write!(f, "carregamento/{id}"),
            Self::Token(nome) => write!(f, "token/{nome}"),
            Self::Carros => f.write_str("carros"),
            Self::Database => f.write_str("banco"),
        }
    }
}

/// Matches what [`is_audit_target`] takes.
pub const AUDIT_TARGET_PATTERN: &str =
    "^(posto/[1-9][0-9]*(/carregador)?|(reserva|carregamento)/[1-9][0-9]*|token/.+|carros|banco)$";

/// Whether a text can be the target of a change, as it is stored.
pub fn is_audit_target(text: &str) -> bool {
    let is_id =
        |id: &str| id.parse::<i64>().is_ok_and(|number| number > 0 && number.to_string() == id);
    match text.split_once('/') {
        None => text == Target::Carros.to_string() || text == Target::Database.to_string(),
        Some(("posto", rest)) => is_id(rest.strip_suffix("/carregador").unwrap_or(rest)),
        Some(("reserva" | "carregamento", id)) => is_id(id),
        Some(("token", nome)) => !nome.is_empty(),
        Some(_) => false,
    }
}

/// Fields of something, in the order in which they are shown.
pub(in crate::store) type AuditFields = Map<String, Value>;

/// Builds [`AuditFields`].
macro_rules! audit_fields {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let mut fields = crate::store::audit::AuditFields::new();
        $(fields.insert($name.to_owned(), ::serde_json::Value::from($value));)*
        fields
    }};
}
pub(in crate::store) use audit_fields;

/// A moment, as it is shown.
pub(in crate::store) fn time(moment: Moment) -> String {
    let seconds = moment.as_millis().div_euclid(1000);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ((year, month, day), (hour, minute, second)) = (at.date().to_calendar_date(), at.to_hms());
    let (month, millis) = (u8::from(month), moment.as_millis().rem_euclid(1000));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Only the fields in which two states of one thing differ; `None` if in none.
pub(in crate::store) fn differences(
    before: &AuditFields,
    after: &AuditFields,
) -> Option<(AuditFields, AuditFields)> {
    let other_than = |fields: &AuditFields, others: &AuditFields| -> AuditFields {
        let differ = fields.iter().filter(|(name, value)| others.get(*name) != Some(*value));
        differ.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let (before, after) = (other_than(before, after), other_than(after, before));
    (!before.is_empty() || !after.is_empty()).then_some((before, after))
}

pub(in crate::store) const INSERT: &str = "INSERT INTO auditoria (quando, quem, acao, alvo, antes, depois) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// The parameters of [`INSERT`].
pub(in crate::store) fn row_of(
    quando: i64,
    quem: &str,
    action: Action,
    target: Target<'_>,
    before: Option<&AuditFields>,
    after: Option<&AuditFields>,
) -> impl rusqlite::Params {
    let json = |fields: Option<&AuditFields>| {
        fields.map(|fields| Value::Object(fields.clone()).to_string())
    };
    (quando, quem.to_owned(), action.as_str(), target.to_string(), json(before), json(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_can_be_asked_for() {
        use Target::{Carregador, Carregamento, Carros, Database, Posto, Reserva, Token};
        for target in [
            Posto(5),
            Carregador(5),
            Reserva(17),
            Carregamento(i64::MAX),
            Token("painel"),
            Token("a/b"),
            Carros,
            Database,
        ] {
            // Taken apart, so that a new one does not compile until it is here.
            match target {
                Posto(_) | Carregador(_) | Reserva(_) | Carregamento(_) | Token(_) => {}
                Carros | Database => {}
            }
            assert!(is_audit_target(&target.to_string()), "{target}");
        }
        for other in
            ["", "posto", "posto/", "posto/0", "posto/05", "posto/-1", "postos/5", "token/"]
        {
            assert!(!is_audit_target(other), "{other}");
        }
    }

    #[test]
    fn times_are_shown_as_on_the_wire() {
        for (millis, shown) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
            (253_370_764_799_999, "9998-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(time(Moment::from_millis(millis)), shown);
        }
    }

    #[test]
    fn only_what_differs_is_recorded() {
        let before = audit_fields! {"nome": "Ponto 5", "preco_kwh": 2.5, "so_antes": 1};
        let after = audit_fields! {"nome": "Ponto 5", "preco_kwh": 3.5, "so_depois": true};
        let (before, after) = differences(&before, &after).expect("they differ");
        assert_eq!(before, audit_fields! {"preco_kwh": 2.5, "so_antes": 1});
        assert_eq!(after, audit_fields! {"preco_kwh": 3.5, "so_depois": true});
        assert_eq!(differences(&after, &after), None);
    }
}
