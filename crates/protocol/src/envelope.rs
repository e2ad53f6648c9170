//! The parts of a message that are read before all of it: the address, the sender, the array.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::field::Text;
use crate::{BadMessage, ClientId, RequestId, fields};

/// Messages in one array, at most.
pub const MAX_ARRAY: usize = 256;

/// Who a message is for. A servidor reads no more of a message that is for another.
#[derive(Debug, Default)]
pub struct Address<'a> {
    server_id: Option<Cow<'a, str>>,
}

impl<'a> Address<'a> {
    /// The `server_id` of a message, `None` where it names none. What follows it is not read.
    pub fn server_id(payload: &'a [u8]) -> Result<Option<Cow<'a, str>>, BadMessage> {
        let mut address = Self::default();
        let mut json = serde_json::Deserializer::from_slice(payload);
        let read = json.deserialize_map(&mut address).and_then(|()| json.end());
        if address.server_id.is_none() {
            read?;
        }
        Ok(address.server_id)
    }
}

impl<'de> Visitor<'de> for &mut Address<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            if key == "server_id" {
                self.server_id = map.next_value::<Option<Text<'_>>>()?.map(|text| text.0);
                if self.server_id.is_some() {
                    break;
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

fields! {
    /// Who sent a message: enough to answer a bad one.
    pub struct Origin {
        client_id: ClientId,
        request_id: RequestId,
    }
}

/// The messages of a payload that may be one message or an array of them.
///
/// The flag is true for an array, which may be answered with an array.
///
/// # Errors
/// Not JSON, or an array that is empty or longer than [`MAX_ARRAY`].
pub fn split(payload: &[u8]) -> Result<(Vec<&[u8]>, bool), BadMessage> {
    let first = payload.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'[') {
        return Ok((vec![payload], false));
    }
    let items: Vec<&RawValue> = serde_json::from_slice(payload)?;
    if items.is_empty() || items.len() > MAX_ARRAY {
        let found = items.len();
        return Err(BadMessage::NotJson(format!(
            "uma lista deve ter de 1 a {MAX_ARRAY} mensagens, mas veio com {found}"
        )));
    }
    Ok((items.into_iter().map(|item| item.get().as_bytes()).collect(), true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_json;

    #[test]
    fn one_message_and_an_array_are_both_read() {
        assert_eq!(split(b" {\"a\":1}").expect("one"), (vec![&b" {\"a\":1}"[..]], false));
        let (items, array) = split(b"[{\"a\":1}, 2]").expect("two");
        assert_eq!((items, array), (vec![&b"{\"a\":1}"[..], b"2"], true));
        assert!(split(b"[]").is_err());
        assert!(split(b"[1").is_err());
        let long = format!("[{}1]", "1,".repeat(MAX_ARRAY));
        assert!(split(long.as_bytes()).is_err());
    }

    #[test]
    fn addresses_and_origins_are_read_from_bad_messages_too() {
        let payload = br#"{"server_id":"s1","client_id":"c1","request_id":"r1","posto_id":[]}"#;
        assert_eq!(Address::server_id(payload).expect("an object").as_deref(), Some("s1"));
        let Origin { client_id, request_id } = read_json(payload).expect("both ids");
        assert_eq!((client_id.as_str(), request_id.as_str()), ("c1", "r1"));
        assert!(read_json::<Origin>(br#"{"client_id":"a/b","request_id":"r"}"#).is_err());
        assert!(Address::server_id(b"nonsense").is_err());
        assert!(Address::server_id(br#"{"server_id":5}"#).is_err());
        assert!(Address::server_id(br#"["s1"]"#).is_err());
        for none in [&b"{}"[..], br#"{"server_id":null}"#] {
            assert_eq!(Address::server_id(none).expect("an object"), None);
        }
        let unread = Address::server_id(br#"{"a":[1],"server_id":"s1","b":{"#);
        assert_eq!(unread.expect("it is found").as_deref(), Some("s1"));
    }
}
