//! What people type.

use serde_json::{Number, Value};

/// A number as it is typed here (`44,5` or `44.5`, `1.234,5`); as a text if it is none, so that it is
/// refused by what it is.
pub(super) fn decimal(text: &str) -> Value {
    let plain = match text.contains(',') {
        true => text.replace('.', "").replace(',', "."),
        false => text.to_owned(),
    };
    let is_plain = plain.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    let number = plain.parse().ok().filter(|_| is_plain).and_then(Number::from_f64);
    number.map_or_else(|| text.into(), Value::Number)
}

/// A whole number, or the text that is none.
pub(super) fn integer(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_typed_with_comma_or_point() {
        for (text, value) in [
            ("44,5", json!(44.5)),
            ("44.5", json!(44.5)),
            ("1.234,5", json!(1234.5)),
            ("40", json!(40.0)),
            ("-1", json!(-1.0)),
            ("1,2,3", json!("1,2,3")),
            ("quarenta", json!("quarenta")),
            ("1e3", json!("1e3")),
            ("inf", json!("inf")),
        ] {
            assert_eq!(decimal(text), value, "{text}");
        }
        assert_eq!((integer("5"), integer("x")), (json!(5), json!("x")));
    }
}
