//! What every reply has, and what an error looks like.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::field::Text;
use crate::{BadMessage, Codigo, FieldError, RequestId, split_array};

/// The request of the examples.
const REQUEST_ID: &str = "0198c0de-7a1b-7000-8000-000000000001";

/// Se o comando foi executado.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusReply {
    Sucesso,
    /// Nothing has changed.
    Erro,
}

/// A forma de todo erro.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(Codigo::PostoReservado.example()))]
pub struct ErrorReply {
    /// A requisição que falhou, quando há uma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<RequestId>,
    /// Sempre `erro`.
    pub status: StatusReply,
    /// O que deu errado, para um programa.
    pub codigo: Codigo,
    /// O que deu errado e o que seria certo, para uma pessoa.
    pub mensagem: String,
    /// Todos os campos errados, quando o erro está neles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campos: Vec<FieldError>,
}

impl Codigo {
    /// An answer with this code, as a program gives it.
    pub fn example(self) -> ErrorReply {
        let mensagem = self.example_mensagem();
        let request_id = self.is_about_a_command().then(|| REQUEST_ID.parse().ok()).flatten();
        let mut reply = ErrorReply::new(request_id, self, mensagem.to_owned());
        reply.campos = match self {
            Self::RequisicaoInvalida => vec![FieldError::new("posto_id", "é obrigatório")],
            Self::ChaveIdempotenciaReutilizada => vec![FieldError::new("request_id", mensagem)],
            Self::EnergiaImplausivel => vec![FieldError::new("energia_fornecida", mensagem)],
            _ => Vec::new(),
        };
        reply
    }
}

impl ErrorReply {
    /// An error without wrong fields.
    pub fn new(request_id: Option<RequestId>, codigo: Codigo, mensagem: String) -> Self {
        Self { request_id, status: StatusReply::Erro, codigo, mensagem, campos: Vec::new() }
    }
}

/// The code of an error that a servidor answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyCodigo {
    Known(Codigo),
    /// A newer servidor has codes that this program does not know; another program's may have none.
    Unknown,
}

impl ReplyCodigo {
    /// An unknown refusal is most likely about the state of things, as most are, and repeating the
    /// request does not help: 409.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Known(codigo) => codigo.http_status(),
            Self::Unknown => 409,
        }
    }
}

/// As on the wire, for logs.
impl fmt::Display for ReplyCodigo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(codigo) => codigo.fmt(f),
            Self::Unknown => f.write_str("desconhecido"),
        }
    }
}

/// The replies in a payload, one or the items of an array. They are passed on as JSON, and what is
/// skipped of them is not looked at again, so the whole must be UTF-8.
///
/// # Errors
/// Not UTF-8, or not what [`split_array`] takes.
pub fn split_replies(payload: &[u8]) -> Result<Vec<&[u8]>, BadMessage> {
    if let Err(error) = str::from_utf8(payload) {
        let found = format!("não é UTF-8 a partir do byte {}", error.valid_up_to());
        return Err(BadMessage::NotJson(found));
    }
    split_array(payload).map(|(replies, _)| replies)
}

/// What the gateway reads of a reply. It passes the rest on as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct ReplyHead<'a> {
    pub request_id: Cow<'a, str>,
    /// `None` when it is no error.
    pub codigo: Option<ReplyCodigo>,
}

impl<'a> ReplyHead<'a> {
    /// Reads the head of one reply, and of a listing nothing after the name of its list of
    /// postos, which may be long. Of words it does not know only the meaning is lost.
    pub fn from_json(payload: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut fields = HeadFields::default();
        let mut json = serde_json::Deserializer::from_slice(payload);
        let read = json.deserialize_map(&mut fields).and_then(|()| json.end());
        if !fields.at_postos {
            read?;
        }
        let missing = || serde_json::Error::missing_field("request_id");
        let request_id = fields.request_id.ok_or_else(missing)?;
        let codigo = fields.codigo.or(fields.is_error.then_some(ReplyCodigo::Unknown));
        Ok(Self { request_id, codigo })
    }
}

#[derive(Default)]
struct HeadFields<'a> {
    request_id: Option<Cow<'a, str>>,
    codigo: Option<ReplyCodigo>,
    /// Its `status` is `erro`.
    is_error: bool,
    /// Reading stopped at the list of postos.
    at_postos: bool,
}

impl<'de> Visitor<'de> for &mut HeadFields<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reply")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "request_id" => self.request_id = Some(map.next_value::<Text<'_>>()?.0),
                "codigo" => self.codigo = read_codigo(map.next_value()?),
                "status" => self.is_error = map.next_value::<&RawValue>()?.get() == ERROR,
                "postos" if self.request_id.is_some() => {
                    self.at_postos = true;
                    return Ok(());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// [`StatusReply::Erro`] as JSON.
const ERROR: &str = "\"erro\"";

/// The code of an error, which may be of a type that no version of this program has written.
fn read_codigo(json: &RawValue) -> Option<ReplyCodigo> {
    if json.get() == "null" {
        return None;
    }
    let known = serde_json::from_str(json.get()).map(ReplyCodigo::Known);
    Some(known.unwrap_or(ReplyCodigo::Unknown))
}
