//! What people type.

use serde_json::{Number, Value};
use service::Language;

/// A number as it is typed here (`44,5`, `44.5`, `1.234,5`). As a text if it is none, or can be read as
/// two (`1.234` where points separate thousands), so that it is refused by what it is. As
/// `typedNumber` of the pages' modules reads it.
pub(super) fn decimal(text: &str, language: Language) -> Value {
    let number = match could_be_two(text, language) {
        true => None,
        false => without_groups(text).and_then(|plain| plain.parse().ok()),
    };
    number.and_then(Number::from_f64).map_or_else(|| text.into(), Value::Number)
}

/// Whether a number can be read as two, because of the one mark in it.
pub(super) fn could_be_two(text: &str, language: Language) -> bool {
    let group = match language {
        Language::Portuguese => '.',
        Language::English => ',',
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number =
        digits.chars().all(|character| character.is_ascii_digit() || is_mark(character));
    is_number && digits.matches(is_mark).eq([group.to_string()]) && is_in_groups(digits, group)
}

/// The number with a point, and without what separates thousands.
fn without_groups(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.chars().any(|character| !character.is_ascii_digit() && !is_mark(character)) {
        return None;
    }
    let mark = digits.chars().find(|character| is_mark(*character));
    let in_groups = mark.filter(|mark| is_in_groups(digits, *mark));
    match (in_groups, digits.matches(is_mark).count()) {
        (Some(mark), 2..) => Some(text.replace(mark, "").replace(',', ".")),
        (_, 0 | 1) => Some(text.replace(',', ".")),
        _ => None,
    }
}

fn is_mark(character: char) -> bool {
    matches!(character, '.' | ',')
}

/// Whether this mark may separate thousands here; the other one may follow, before decimals.
fn is_in_groups(digits: &str, mark: char) -> bool {
    let (whole, decimals) = match digits.split_once(|other| is_mark(other) && other != mark) {
        Some((whole, decimals)) => (whole, decimals),
        None => (digits, "0"),
    };
    let mut groups = whole.split(mark);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3)
        && !decimals.is_empty()
        && !decimals.contains(is_mark)
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
            ("1,234.5", json!(1234.5)),
            ("1.234.567", json!(1_234_567.0)),
            ("12.345.678,9", json!(12_345_678.9)),
            ("1234.567", json!(1234.567)),
            ("0.190", json!(0.19)),
            ("0,190", json!(0.19)),
            ("40", json!(40.0)),
            ("40,", json!(40.0)),
            (",5", json!(0.5)),
            ("-1", json!(-1.0)),
            ("1,2,3", json!("1,2,3")),
            ("1.2345,6", json!("1.2345,6")),
            ("1.234,5.6", json!("1.234,5.6")),
            ("1.234,", json!("1.234,")),
            (".", json!(".")),
            ("quarenta", json!("quarenta")),
            ("1e3", json!("1e3")),
            ("inf", json!("inf")),
        ] {
            for language in [Language::Portuguese, Language::English] {
                assert_eq!(decimal(text, language), value, "{text}");
            }
        }
        assert_eq!((integer("5"), integer("x")), (json!(5), json!("x")));
    }

    #[test]
    fn a_number_that_could_be_two_is_none() {
        let read = |text| {
            [Language::Portuguese, Language::English].map(|language| decimal(text, language))
        };
        assert_eq!(read("1.234"), [json!("1.234"), json!(1.234)]);
        assert_eq!(read("12,345"), [json!(12.345), json!("12,345")]);
        assert_eq!(read("-1.000"), [json!("-1.000"), json!(-1.0)]);
        assert!(could_be_two("1.234", Language::Portuguese));
        for text in ["1.234,5", "1.234.567", "1,234", "0.190", "1234.567", "1.23", "x.234", ""] {
            assert!(!could_be_two(text, Language::Portuguese), "{text}");
        }
    }
}
