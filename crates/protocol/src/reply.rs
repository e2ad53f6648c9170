//! Answers: what every reply has, and what an error looks like.

use std::borrow::Cow;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{Codigo, FieldError, RequestId};

/// Whether a command was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusReply {
    /// It was.
    Sucesso,
    /// It was not, and nothing has changed.
    Erro,
}

/// The one shape of every error, over HTTP and over MQTT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000001", "status": "erro",
    "codigo": "posto_reservado", "mensagem": "O posto Ponto 5 já está reservado neste período."
}))]
pub struct ErrorReply {
    /// The request that failed, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<RequestId>,
    /// Always `erro`.
    pub status: StatusReply,
    /// What went wrong, for a program.
    pub codigo: Codigo,
    /// What went wrong and what would be right, for a person.
    pub mensagem: String,
    /// Every wrong field, where fields were wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campos: Vec<FieldError>,
}

impl ErrorReply {
    /// An error without wrong fields.
    #[must_use]
    pub fn new(request_id: Option<RequestId>, codigo: Codigo, mensagem: String) -> Self {
        Self { request_id, status: StatusReply::Erro, codigo, mensagem, campos: Vec::new() }
    }
}

/// What the gateway reads of a reply; the rest it passes on as it came.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct ReplyHead<'a> {
    /// The request it answers.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// There when it is an error. A code of a newer servidor, unknown here, reads as
    /// [`Codigo::ErroInterno`]: the answer is passed on all the same.
    #[serde(default, deserialize_with = "known_codigo")]
    pub codigo: Option<Codigo>,
}

fn known_codigo<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Codigo>, D::Error> {
    let word = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(word.map(|word| {
        Codigo::deserialize(StrDeserializer::<ValueError>::new(&word))
            .unwrap_or(Codigo::ErroInterno)
    }))
}

impl<'a> ReplyHead<'a> {
    /// Reads the head of one reply.
    ///
    /// # Errors
    /// It is no reply.
    pub fn from_json(payload: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }
}
