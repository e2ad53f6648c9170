//! The parts of a message that are read before all of it: the address, the sender, the array.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::field::Text;
use crate::{BadMessage, ClientId, Field, FieldError, Fields, RequestId, ServerId, fields};

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

impl Address<'_> {
    /// Refuses a message that names another servidor than its topic does.
    ///
    /// # Errors
    /// It does, or is no message.
    pub fn check_topic(payload: &[u8], topic_server_id: &ServerId) -> Result<(), BadMessage> {
        match Address::server_id(payload)? {
            Some(named) if named != topic_server_id.as_str() => {
                let mensagem = format!("deve ser o mesmo do tópico ({topic_server_id})");
                Err(BadMessage::Fields(vec![FieldError::new("server_id", mensagem)]))
            }
            _ => Ok(()),
        }
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

impl Origin {
    /// The sender of a message, `None` if it names none. What follows the two ids is not read, so
    /// the message may be broken there.
    pub fn find(payload: &[u8]) -> Option<Self> {
        let mut finder = OriginFinder::default();
        // Whatever is wrong, what was found before it counts.
        let _ = serde_json::Deserializer::from_slice(payload).deserialize_map(&mut finder);
        match (finder.0.client_id, finder.0.request_id) {
            (Some(Field::Value(client_id)), Some(Field::Value(request_id))) => {
                Some(Self { client_id, request_id })
            }
            _ => None,
        }
    }
}

#[derive(Default)]
struct OriginFinder(<Origin as Fields>::Raw);

impl<'de> Visitor<'de> for &mut OriginFinder {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let OriginFinder(raw) = self;
        while let Some(Text(key)) = map.next_key()? {
            if !Origin::take(raw, "", &key, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
            if raw.client_id.is_some() && raw.request_id.is_some() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a payload is an array, or the beginning of one.
pub fn is_array(payload: &[u8]) -> bool {
    payload.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// The messages in a payload: one, or the items of an array.
///
/// The flag says whether it was an array; then the answers are sent as an array too.
///
/// # Errors
/// Not JSON, or an array that is empty or longer than [`MAX_ARRAY`].
pub fn split_array(payload: &[u8]) -> Result<(Vec<&[u8]>, bool), BadMessage> {
    if !is_array(payload) {
        return Ok((vec![payload], false));
    }
    let mut items = Items::default();
    items.read(payload)?;
    if items.count == 0 || items.count > MAX_ARRAY {
        let found = items.count;
        return Err(BadMessage::NotJson(format!(
            "uma lista deve ter de 1 a {MAX_ARRAY} mensagens, mas veio com {found}"
        )));
    }
    Ok((items.first, true))
}

/// The first messages of a payload that [`split_array`] refuses, at most [`MAX_ARRAY`].
pub fn first_messages(payload: &[u8]) -> Vec<&[u8]> {
    if !is_array(payload) {
        return vec![payload];
    }
    let mut items = Items::default();
    // Of an array that is no JSON, those before the error.
    let _ = items.read(payload);
    items.first
}

/// The items of an array, of which a bounded number is kept.
#[derive(Default)]
struct Items<'a> {
    first: Vec<&'a [u8]>,
    count: usize,
}

impl<'a> Items<'a> {
    fn read(&mut self, payload: &'a [u8]) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_slice(payload);
        json.deserialize_seq(&mut *self)?;
        json.end()
    }
}

impl<'de> Visitor<'de> for &mut Items<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while self.count < MAX_ARRAY {
            let Some(item) = items.next_element::<&RawValue>()? else { return Ok(()) };
            self.first.push(item.get().as_bytes());
            self.count += 1;
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            self.count += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_and_an_array_are_both_read() {
        assert_eq!(split_array(b" {\"a\":1}").expect("one"), (vec![&b" {\"a\":1}"[..]], false));
        let (items, array) = split_array(b"[{\"a\":1}, 2]").expect("two");
        assert_eq!((items, array), (vec![&b"{\"a\":1}"[..], b"2"], true));
        assert!(split_array(b"[]").is_err());
        assert!(split_array(b"[1").is_err());
        let long = format!("[{}1]", "1,".repeat(MAX_ARRAY));
        assert!(split_array(long.as_bytes()).is_err());
        assert_eq!(first_messages(long.as_bytes()).len(), MAX_ARRAY);
        assert_eq!(first_messages(b"[{},1,{"), [&b"{}"[..], b"1"]);
        assert!(first_messages(b" [ ]").is_empty());
        assert_eq!(first_messages(b"{"), [b"{"]);
    }

    #[test]
    fn addresses_and_origins_are_read_from_bad_messages_too() {
        let payload = br#"{"server_id":"s1","client_id":"c1","request_id":"r1","posto_id":[]}"#;
        assert_eq!(Address::server_id(payload).expect("an object").as_deref(), Some("s1"));
        let Origin { client_id, request_id } = Origin::find(payload).expect("both ids");
        assert_eq!((client_id.as_str(), request_id.as_str()), ("c1", "r1"));
        for (payload, found) in [
            (&br#"{"request_id":"r","x":[{}],"client_id":"c","posto_id":"#[..], true),
            (b"{\"request_id\":\"r\",\"client_id\":\"c\",\"modelo\":\"\xff\"}", true),
            (br#"{"client_id":"a/b","request_id":"r"}"#, false),
            (br#"{"client_id":"c","client_id":"d","request_id":"r"}"#, false),
            (br#"{"client_id":"c","x":,"request_id":"r"}"#, false),
            (br#"{"client_id":"c"}"#, false),
            (br#"{"client_id":null,"request_id":"r"}"#, false),
            (br#"["c","r"]"#, false),
            (b"", false),
        ] {
            let shown = String::from_utf8_lossy(payload);
            assert_eq!(Origin::find(payload).is_some(), found, "{shown}");
        }
        let topic: ServerId = "s1".parse().expect("an id");
        for (payload, is_right) in [
            (r#"{"a":1}"#, true),
            (r#"{"server_id":"s1"}"#, true),
            (r#"{"server_id":null}"#, true),
            (r#"{"server_id":"s2"}"#, false),
            (r#"{"server_id":5}"#, false),
            ("", false),
        ] {
            let checked = Address::check_topic(payload.as_bytes(), &topic);
            assert_eq!(checked.is_ok(), is_right, "{payload}");
        }
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
