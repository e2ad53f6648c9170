//! The key of a form, which makes sending it twice the same as once.

use protocol::{BadMessage, FieldError, RequestId};
use service::PageForm;

use super::page_errors::Refusal;
use crate::http::idempotency::Key;

const CHAVE: &str = "chave";

/// The key in a form that is shown: random, and of this rendering of the page alone. A form that was
/// `sent` is a new request when it is sent again; one that may have been carried out is the same, and
/// keeps its key.
pub(super) fn shown_key(sent: Option<(&PageForm, bool)>) -> String {
    let kept = sent.filter(|(_, may_be_done)| *may_be_done).map(|(form, _)| form.get(CHAVE));
    let kept = kept.filter(|key| !key.is_empty());
    kept.map_or_else(|| RequestId::new().to_string(), str::to_owned)
}

/// The key of a form, and the body that it stands for.
///
/// # Errors
/// The wrong fields of both.
pub(super) fn key_and_body<T>(
    form: &PageForm,
    body: Result<T, Vec<FieldError>>,
) -> Result<(Key<'_>, T), Refusal> {
    match (Key::of(form.get(CHAVE)), body) {
        (Ok(key), Ok(body)) => Ok((key, body)),
        (key, body) => {
            let mut campos = body.err().unwrap_or_default();
            campos.extend(key.err().into_iter().flat_map(BadMessage::campos));
            Err(Refusal::of_fields(campos))
        }
    }
}
