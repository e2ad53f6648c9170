//! The form that changes a reserva.

use protocol::{AlteracaoBody, BadMessage, FieldError, RequestId, read_body};
use serde_json::{Map, Value};
use service::PageForm;

use super::format;
use super::reserva_view::ReservaView;
use super::typed;

/// What the fields show.
#[derive(Default)]
pub(super) struct Values {
    pub(super) chave: String,
    pub(super) inicio: String,
    pub(super) fim: String,
    pub(super) posto_id: String,
    /// What the reserva had when the page was made: a field that still has it changes nothing.
    pub(super) inicio_antes: String,
    pub(super) fim_antes: String,
}

impl Values {
    /// Of the reserva as it is; `sent` is a form that was refused.
    pub(super) fn of(reserva: &ReservaView, sent: Option<&PageForm>) -> Self {
        let shown = |name: &str, unchanged: &str| match sent.map(|form| form.get(name)) {
            Some(typed) if !typed.is_empty() => typed.to_owned(),
            _ => unchanged.to_owned(),
        };
        Self {
            chave: RequestId::new().to_string(),
            inicio: shown("inicio", &reserva.inicio_input),
            fim: shown("fim", &reserva.fim_input),
            posto_id: shown("posto_id", ""),
            inicio_antes: reserva.inicio_input.clone(),
            fim_antes: reserva.fim_input.clone(),
        }
    }

    pub(super) fn is_posto(&self, id: &i64) -> bool {
        self.posto_id == id.to_string()
    }
}

/// The body of `PATCH /reservas/{request_id}` that a form stands for: what differs from before.
///
/// # Errors
/// All wrong fields.
pub(super) fn body_of(form: &PageForm) -> Result<AlteracaoBody, Vec<FieldError>> {
    let mut fields = Map::new();
    for (name, before) in [("inicio", "inicio_antes"), ("fim", "fim_antes")] {
        let typed = form.get(name);
        if !typed.is_empty() && typed != form.get(before) {
            fields.insert(name.to_owned(), format::of_local_input(typed).into());
        }
    }
    let posto_id = form.get("posto_id");
    if !posto_id.is_empty() {
        fields.insert("posto_id".to_owned(), typed::integer(posto_id));
    }
    read_body(Value::Object(fields).to_string().as_bytes()).map_err(BadMessage::campos)
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;

    use super::*;

    #[test]
    fn only_what_differs_is_changed() {
        let before = [("inicio_antes", "2026-11-28T10:00"), ("fim_antes", "2026-11-28T11:00")];
        let form = |inicio, fim, posto_id| {
            PageForm::from([
                before[0],
                before[1],
                ("inicio", inicio),
                ("fim", fim),
                ("posto_id", posto_id),
            ])
        };
        let body = body_of(&form("2026-11-28T10:00", "2026-11-28T12:00", "")).expect("a change");
        assert!(body.inicio.0.is_none() && body.posto_id.0.is_none());
        let fim = body.fim.0.map(|fim| Timestamp::from(fim).to_string());
        assert_eq!(fim.as_deref(), Some("2026-11-28T15:00:00.000Z"));
        let body = body_of(&form("2026-11-28T10:00", "", "6")).expect("a change");
        assert!(body.fim.0.is_none() && body.posto_id.0.is_some_and(|id| id.get() == 6));
        let wrong = |form: &PageForm| {
            let wrong = body_of(form).expect_err("it is refused");
            wrong.into_iter().map(|wrong| wrong.campo).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&form("2026-11-28T10:00", "2026-11-28T11:00", "")), ["inicio"]);
        assert_eq!(wrong(&form("x", "2026-11-28T12:00", "y")), ["inicio", "posto_id"]);
    }
}
