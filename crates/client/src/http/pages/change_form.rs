//! The form that changes a reserva.

use protocol::{AlteracaoBody, BadMessage, FieldError, read_body};
use serde_json::{Map, Value};
use service::PageForm;

use super::form_key::shown_key;
use super::format;
use super::reserva_view::ReservaView;
use super::typed;

/// What the fields show.
#[derive(Default)]
pub(super) struct ChangeValues {
    pub(super) chave: String,
    pub(super) inicio: String,
    pub(super) fim: String,
    pub(super) posto_id: String,
    /// What the reserva had when the page was made: a field that still has it changes nothing.
    pub(super) inicio_antes: String,
    pub(super) fim_antes: String,
}

impl ChangeValues {
    /// Of the reserva as it is. Of a form that was `sent`, what was typed stays, and what nobody
    /// touched is as it is now.
    pub(super) fn of(reserva: &ReservaView, sent: Option<(&PageForm, bool)>) -> Self {
        let typed = |name: &str, before: &str| {
            let (form, _) = sent?;
            let typed = form.get(name);
            let is_new = !typed.is_empty() && typed != form.get(before);
            is_new.then(|| typed.to_owned())
        };
        let shown = |name, before, now: &str| typed(name, before).unwrap_or_else(|| now.to_owned());
        Self {
            chave: shown_key(sent),
            inicio: shown("inicio", "inicio_antes", &reserva.inicio_input),
            fim: shown("fim", "fim_antes", &reserva.fim_input),
            posto_id: shown("posto_id", "", ""),
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
    fn what_nobody_touched_is_as_it_is_now() {
        let reserva = ReservaView {
            inicio_input: "2026-11-28T12:00".to_owned(),
            fim_input: "2026-11-28T13:00".to_owned(),
            ..ReservaView::default()
        };
        let form = PageForm::from([
            ("inicio_antes", "2026-11-28T10:00"),
            ("inicio", "2026-11-28T10:00"),
            ("fim_antes", "2026-11-28T11:00"),
            ("fim", "2026-11-28T09:00"),
            ("chave", "a-key"),
        ]);
        let values = ChangeValues::of(&reserva, Some((&form, false)));
        assert_eq!(
            (values.inicio.as_str(), values.fim.as_str()),
            ("2026-11-28T12:00", "2026-11-28T09:00")
        );
        assert_ne!(values.chave, "a-key");
        assert_eq!(ChangeValues::of(&reserva, Some((&form, true))).chave, "a-key");
        assert_eq!(ChangeValues::of(&reserva, None).fim, "2026-11-28T13:00");
    }

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
