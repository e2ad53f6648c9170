//! The messages of the AsyncAPI document, each with the schema of its type and an example.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::{Component, ErrorReply, MAX_ARRAY, UnchangedReply, open_enum};

pub(super) fn reference(place: &str, name: &str) -> Value {
    json!({"$ref": format!("#/{place}/{name}")})
}

/// A message, by its type.
#[derive(Clone, Copy)]
pub(super) struct Message {
    name: fn() -> Cow<'static, str>,
    schema: fn() -> RefOr<Schema>,
    schemas: fn(&mut Vec<Component>),
    /// Whether a servidor sends it. Then its lists of words are open.
    sent: bool,
}

impl Message {
    pub(super) const fn received<T: ToSchema>() -> Self {
        Self { name: T::name, schema: T::schema, schemas: T::schemas, sent: false }
    }

    pub(super) const fn sent<T: ToSchema>() -> Self {
        Self { sent: true, ..Self::received::<T>() }
    }
}

const ERROR: Message = Message::sent::<ErrorReply>();
/// What a listing, and any other command, may be answered besides its own answer.
pub(super) const OTHER_ANSWERS_TO_LISTING: &[Message] =
    &[Message::sent::<UnchangedReply<'static>>(), ERROR];
pub(super) const OTHER_ANSWERS: &[Message] = &[ERROR];

/// What may come on a channel.
#[derive(Clone, Copy)]
pub(super) enum Payload {
    One(Message),
    /// An array of a message, in which there may also be these others.
    Array(Message, &'static [Message]),
}

impl Payload {
    /// The name of its message in the document.
    pub(super) fn name(self) -> String {
        match self {
            Self::One(message) => (message.name)().into_owned(),
            Self::Array(item, _) => format!("{}List", (item.name)()),
        }
    }
}

/// Those that the channels refer to so far, and their schemas.
#[derive(Default)]
pub(super) struct Messages {
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Messages {
    /// Adds a message, unless it is there.
    pub(super) fn add(&mut self, payload: Payload) {
        let name = payload.name();
        if self.messages.contains_key(&name) {
            return;
        }
        match payload {
            Payload::One(message) => self.add_one(&name, message),
            Payload::Array(item, others) => {
                self.add(Payload::One(item));
                self.add_array(&name, item, others);
            }
        }
    }

    pub(super) fn into_parts(self) -> (Map<String, Value>, Map<String, Value>) {
        (self.messages, self.schemas)
    }

    /// Adds the message of a type, with the example of its schema.
    fn add_one(&mut self, name: &str, message: Message) {
        let schema = (message.schema)();
        let mut components: Vec<Component> = vec![(name.to_owned(), schema.clone())];
        (message.schemas)(&mut components);
        for (name, mut schema) in components {
            if message.sent {
                open_enum(&mut schema);
            }
            let json = serde_json::to_value(&schema).unwrap_or_default();
            self.schemas.insert(name, json);
        }
        let (description, example) = described(schema);
        let summary = description.split("\n\n").next().unwrap_or_default();
        self.insert(name, summary, reference("components/schemas", name), example);
    }

    fn add_array(&mut self, name: &str, item: Message, others: &[Message]) {
        let item_name = (item.name)();
        let items = [item].into_iter().chain(others.iter().copied());
        let items: Vec<_> =
            items.map(|item| reference("components/schemas", &(item.name)())).collect();
        let payload = json!({
            "type": "array",
            "items": {"anyOf": items},
            "minItems": 1,
            "maxItems": MAX_ARRAY,
        });
        let example = json!([self.messages[&*item_name]["examples"][0]["payload"]]);
        let summary = format!("Uma lista de até {MAX_ARRAY} `{item_name}`.");
        self.insert(name, &summary, payload, example);
    }

    fn insert(&mut self, name: &str, summary: &str, payload: Value, example: Value) {
        let message = json!({
            "name": name,
            "summary": summary,
            "contentType": "application/json",
            "payload": payload,
            "examples": [{"payload": example}],
        });
        self.messages.insert(name.to_owned(), message);
    }
}

/// The description of a schema, and its example.
fn described(schema: RefOr<Schema>) -> (String, Value) {
    let (description, example, examples) = match schema {
        RefOr::T(Schema::Object(object)) => (object.description, object.example, object.examples),
        RefOr::T(Schema::AllOf(parts)) => (parts.description, parts.example, parts.examples),
        _ => (None, None, Vec::new()),
    };
    let example = example.or_else(|| examples.into_iter().next());
    (description.unwrap_or_default(), example.unwrap_or_default())
}
