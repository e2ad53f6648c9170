//! Query parameters, read one by one so that every wrong one is named at once.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use protocol::{BadMessage, Checker, FieldError};

use super::HttpError;

/// The parameters of a query, as they came. Those nobody asks for are ignored.
pub struct QueryParams(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(_) => {
                let mensagem = "deve ser nome=valor&nome=valor, em UTF-8".to_owned();
                Err(BadMessage::Fields(vec![FieldError { campo: "query".to_owned(), mensagem }])
                    .into())
            }
        }
    }
}

impl QueryParams {
    /// A text, if it is there. Given twice, it is wrong.
    pub fn text(&mut self, checker: &mut Checker, name: &str) -> Option<String> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value);
        let first = values.next()?;
        if values.next().is_some() {
            checker.wrong(name, "deve vir uma vez só");
            return None;
        }
        Some(first.clone())
    }

    /// A text that has to be there, once.
    pub fn required_text(&mut self, checker: &mut Checker, name: &str) -> Option<String> {
        if !self.0.iter().any(|(given, _)| given == name) {
            checker.wrong(name, "é obrigatório");
        }
        self.text(checker, name)
    }

    /// A boolean, if it is there; `True` as Python writes it is one.
    pub fn bool(&mut self, checker: &mut Checker, name: &str) -> Option<bool> {
        let text = self.text(checker, name)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => {
                checker.wrong(name, format!("deve ser true ou false, mas veio {text:?}"));
                None
            }
        }
    }

    /// An integer, if it is there.
    pub fn integer(&mut self, checker: &mut Checker, name: &str) -> Option<i64> {
        let text = self.text(checker, name)?;
        let number = text.parse().ok();
        if number.is_none() {
            checker.wrong(name, format!("deve ser um número inteiro, mas veio {text:?}"));
        }
        number
    }
}
