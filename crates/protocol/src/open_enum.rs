//! Lists of words that a newer program may make longer.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};

const SENTENCE: &str = "A lista é aberta: uma versão mais nova pode ter outros valores.";

/// Documents an enum of answers as open: the known words, or any other. A client that was generated
/// from the document then takes words that are newer than it. Other schemas stay as they are.
pub fn open_enum(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(known)) = schema else { return };
    if known.enum_values.is_none() {
        return;
    }
    let mut known = std::mem::take(known);
    let description = known.description.take().unwrap_or_default();
    let any = ObjectBuilder::new().schema_type(Type::String);
    let open = AnyOfBuilder::new().item(Schema::Object(known)).item(any);
    *schema = open.description(Some(format!("{description}\n\n{SENTENCE}"))).into();
}
