//! What is wrong with a form, as its page shows it.

use protocol::{BadMessage, Codigo, FieldError, ReplyCodigo};
use service::RefusalText;

use crate::error::GatewayError;
use crate::gateway::Reply;

/// One field that is wrong.
pub(super) struct WrongField {
    /// The id of its element.
    pub(super) campo: String,
    pub(super) label: String,
    pub(super) mensagem: String,
}

/// All that a page says of a form that was refused.
#[derive(Default)]
pub(super) struct PageErrors {
    /// Empty if all is in the fields.
    pub(super) mensagem: String,
    pub(super) fields: Vec<WrongField>,
}

impl PageErrors {
    pub(super) fn is_empty(&self) -> bool {
        self.mensagem.is_empty() && self.fields.is_empty()
    }

    pub(super) fn has(&self, campo: &str) -> bool {
        self.fields.iter().any(|wrong| wrong.campo == campo)
    }

    /// What is wrong with a field; empty if nothing is.
    pub(super) fn of(&self, campo: &str) -> &str {
        let wrong = self.fields.iter().find(|wrong| wrong.campo == campo);
        wrong.map_or("", |wrong| &wrong.mensagem)
    }

    pub(super) fn has_any(&self, campos: &[&str]) -> bool {
        campos.iter().any(|campo| self.has(campo))
    }
}

/// A form that was refused.
pub(super) struct Refusal {
    pub(super) codigo: ReplyCodigo,
    mensagem: String,
    campos: Vec<FieldError>,
}

impl Refusal {
    pub(super) fn of_fields(campos: Vec<FieldError>) -> Self {
        let codigo = ReplyCodigo::Known(Codigo::RequisicaoInvalida);
        Self { codigo, mensagem: BadMessage::Fields(campos.clone()).to_string(), campos }
    }

    /// What a call ends in, if it is a refusal.
    pub(super) fn of_outcome(outcome: &Result<Reply, GatewayError>) -> Option<Self> {
        match outcome {
            Ok(reply) => Self::of_reply(reply),
            Err(error) => Some(Self::of_error(error)),
        }
    }

    fn of_reply(reply: &Reply) -> Option<Self> {
        let codigo = reply.codigo?;
        let text = serde_json::from_slice(&reply.body);
        let RefusalText { mensagem, campos } = text.unwrap_or_else(|_| RefusalText {
            mensagem: GatewayError::Internal.to_string(),
            campos: Vec::new(),
        });
        Some(Self { codigo, mensagem, campos })
    }

    fn of_error(error: &GatewayError) -> Self {
        let codigo = ReplyCodigo::Known(error.codigo());
        let mensagem = match error {
            // That of the API tells programs what to call.
            GatewayError::Timeout { server_id, ask_about: Some(_) } => format!(
                "O servidor {server_id} não respondeu a tempo, e ainda não se sabe se o pedido foi feito. \
                 Repeti-lo não o faz duas vezes."
            ),
            error => error.to_string(),
        };
        Self { codigo, mensagem, campos: Vec::new() }
    }

    pub(super) fn is(&self, codigo: Codigo) -> bool {
        self.codigo == ReplyCodigo::Known(codigo)
    }

    /// Whether the request may have been carried out, or may be yet.
    pub(super) fn may_be_done(&self) -> bool {
        self.codigo.http_status() >= 500 || self.is(Codigo::ChaveIdempotenciaReutilizada)
    }

    /// What the page says of it: `label` is the name of a field on the page, or nothing for what is
    /// no field there, which is then shown under `other` and leads to the form with the id `form`.
    pub(super) fn shown<'a>(
        self,
        label: impl Fn(&str) -> Option<&'a str>,
        other: &str,
        form: &str,
    ) -> PageErrors {
        let field = |FieldError { campo, mensagem }: FieldError| match label(&campo) {
            Some(label) => WrongField { label: label.to_owned(), campo, mensagem },
            None => WrongField {
                label: other.to_owned(),
                campo: form.to_owned(),
                mensagem: format!("{campo} {mensagem}"),
            },
        };
        let fields: Vec<_> = self.campos.into_iter().map(field).collect();
        let mensagem = if fields.is_empty() { self.mensagem } else { String::new() };
        PageErrors { mensagem, fields }
    }
}
