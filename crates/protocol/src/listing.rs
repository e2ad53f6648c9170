//! Answers to a listing: how a servidor writes them, and what a gateway reads of them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer as _, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::field::Text;

/// A [`PostosReply`](crate::PostosReply) whose postos are JSON already: many callers get the same
/// ones.
///
/// `postos` is the last, so that a gateway need not read the list.
#[derive(Debug)]
pub struct WrittenPostosReply<'a> {
    pub request_id: &'a str,
    pub versao: Option<&'a str>,
    pub proxima: Option<i64>,
    /// JSON objects with commas between them.
    pub postos: &'a [&'a str],
}

impl WrittenPostosReply<'_> {
    /// An upper bound of what the payload has besides the postos.
    pub fn overhead(request_id: &str, versao: &str) -> usize {
        // In JSON a character of a `request_id` may take two.
        2 * request_id.len() + versao.len() + 128
    }

    /// The payload.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        #[derive(Serialize)]
        struct Head<'a> {
            request_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            versao: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            proxima: Option<i64>,
        }
        let Self { request_id, versao, proxima, postos } = *self;
        let length: usize = postos.iter().map(|postos| postos.len() + 1).sum();
        let overhead = Self::overhead(request_id, versao.unwrap_or_default());
        let mut payload = Vec::with_capacity(length + overhead);
        serde_json::to_writer(&mut payload, &Head { request_id, versao, proxima })?;
        payload.pop();
        payload.extend_from_slice(br#","postos":["#);
        let mut separator: &[u8] = b"";
        for part in postos.iter().filter(|part| !part.is_empty()) {
            payload.extend_from_slice(separator);
            payload.extend_from_slice(part.as_bytes());
            separator = b",";
        }
        payload.extend_from_slice(b"]}");
        Ok(payload)
    }
}

/// A lista que quem perguntou já tem ainda vale: a resposta não traz postos.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000002", "inalterada": true, "versao": "5f3a-7"
}))]
pub struct UnchangedReply<'a> {
    /// A requisição que isto responde.
    request_id: &'a str,
    /// Sempre `true`.
    inalterada: bool,
    /// A versão da pergunta.
    versao: &'a str,
}

impl<'a> UnchangedReply<'a> {
    pub fn new(request_id: &'a str, versao: &'a str) -> Self {
        Self { request_id, inalterada: true, versao }
    }
}

/// What a gateway reads of the answer to a listing. It passes the rest on as it came.
///
/// What is of another type than it should be counts as missing.
#[derive(Debug, Default)]
pub struct ListingReply<'a> {
    /// Where the value of `request_id` is, with its quotes.
    pub request_id: Range<usize>,
    pub versao: Option<Cow<'a, str>>,
    pub proxima: Option<i64>,
    pub inalterada: bool,
    /// JSON objects with commas between them; `None` if there is no list.
    pub postos: Option<&'a [u8]>,
}

impl<'a> ListingReply<'a> {
    /// Reads an answer that has its list at the end, as [`WrittenPostosReply`] writes it, only as
    /// far as the list; others wholly. `None` if it is no JSON object with a `request_id`.
    pub fn read_head(payload: &'a [u8]) -> Option<Self> {
        Self::read(payload, true)
    }

    /// Reads all of the answer: `postos` is a list, and nothing else.
    pub fn read_whole(payload: &'a [u8]) -> Option<Self> {
        Self::read(payload, false)
    }

    fn read(payload: &'a [u8], may_stop: bool) -> Option<Self> {
        let mut reader = Reader { payload, may_stop, stopped: false, reply: Self::default() };
        let mut json = serde_json::Deserializer::from_slice(payload);
        let read = json.deserialize_map(&mut reader).and_then(|()| json.end());
        let is_read = reader.stopped || read.is_ok();
        (is_read && !reader.reply.request_id.is_empty()).then_some(reader.reply)
    }
}

struct Reader<'a> {
    payload: &'a [u8],
    /// Whether the list may be taken for what follows its name.
    may_stop: bool,
    stopped: bool,
    reply: ListingReply<'a>,
}

impl<'a> Reader<'a> {
    /// Where a part of the payload is in it.
    fn range(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr().addr() - self.payload.as_ptr().addr();
        start..start + part.len()
    }

    /// The list, if the payload ends with one after this key, which is a part of it.
    fn list_at_end(&self, key: &str) -> Option<&'a [u8]> {
        let rest = self.payload[self.range(key).end..].strip_prefix(b"\"")?;
        let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii();
        in_brackets(rest.strip_suffix(b"}")?)
    }
}

fn in_brackets(list: &[u8]) -> Option<&[u8]> {
    Some(list.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?.trim_ascii())
}

impl<'de> Visitor<'de> for &mut Reader<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a listing")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "request_id" => {
                    let id: &RawValue = map.next_value()?;
                    self.reply.request_id = self.range(id.get());
                }
                "versao" => {
                    let versao: &RawValue = map.next_value()?;
                    let text: Option<Text<'_>> = serde_json::from_str(versao.get()).ok();
                    self.reply.versao = text.map(|Text(versao)| versao);
                }
                "proxima" => {
                    let proxima: &RawValue = map.next_value()?;
                    self.reply.proxima = serde_json::from_str(proxima.get()).ok();
                }
                "inalterada" => {
                    self.reply.inalterada = map.next_value::<&RawValue>()?.get() == "true";
                }
                "postos" => {
                    // Without a version before it, the others may follow.
                    let has_head = !self.reply.request_id.is_empty() && self.reply.versao.is_some();
                    // A name with escapes is no part of the payload.
                    if let Cow::Borrowed(key) = key
                        && self.may_stop
                        && has_head
                    {
                        self.reply.postos = self.list_at_end(key);
                        self.stopped = self.reply.postos.is_some();
                        if self.stopped {
                            return Ok(());
                        }
                    }
                    let list: &RawValue = map.next_value()?;
                    self.reply.postos = in_brackets(list.get().as_bytes());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
