//! Numbers in texts, and numbers that no type holds, such as `1e400`: the JSON library refuses the
//! whole text and does not say which field they are in.

/// Beyond every limit of a field, so that the field is reported.
const BEYOND_LIMITS: f64 = 1e308;

/// The same JSON text with [`BEYOND_LIMITS`] in place of every number that is greater, or less than
/// its negative; `None` if it has no such number. What follows keeps its line and column.
pub(crate) fn clamp_numbers(json: &str) -> Option<String> {
    let mut clamped = String::with_capacity(json.len());
    let mut rest = json;
    let mut found = false;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, from_token) = rest.split_at(start);
        let (token, after) = from_token.split_at(token_length(from_token));
        clamped.push_str(before);
        match token.parse::<f64>() {
            Ok(number) if number.abs() > BEYOND_LIMITS => {
                let number = BEYOND_LIMITS.copysign(number);
                let end = clamped.len() + token.len();
                clamped.push_str(&format!("{number:e}"));
                // Such a number has at least as many characters.
                clamped.extend(std::iter::repeat_n(' ', end.saturating_sub(clamped.len())));
                found = true;
            }
            _ => clamped.push_str(token),
        }
        rest = after;
    }
    clamped.push_str(rest);
    found.then_some(clamped)
}

/// The number that a text is, at most [`BEYOND_LIMITS`]. Words such as `inf` and `NaN` are none.
pub(crate) fn number_in_text(text: &str) -> Option<f64> {
    let number = text.bytes().all(is_number_byte).then(|| text.parse::<f64>().ok()).flatten();
    number.map(|number| number.clamp(-BEYOND_LIMITS, BEYOND_LIMITS))
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The length of the string or number that `json` begins with.
fn token_length(json: &str) -> usize {
    if json.starts_with('"') {
        string_length(json)
    } else {
        json.bytes().position(|byte| !is_number_byte(byte)).unwrap_or(json.len())
    }
}

/// The length of a string with both its quotation marks; of all that is left if it never ends.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in json.bytes().enumerate().skip(1) {
        if byte == b'"' && !is_escaped {
            return index + 1;
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_out_of_range_are_replaced_and_every_place_stays() {
        for (json, clamped) in [
            (r#"{"a":1e400,"b":2}"#, r#"{"a":1e308,"b":2}"#),
            (r#"{"a":[-9.75E+999],"b":"é"}"#, r#"{"a":[-1e308    ],"b":"é"}"#),
            (r#"{"1e400":"\"1e400","a":2e308}"#, r#"{"1e400":"\"1e400","a":1e308}"#),
            (r#"[1e309"#, "[1e308"),
        ] {
            assert_eq!(clamp_numbers(json).as_deref(), Some(clamped));
            assert_eq!(json.len(), clamped.len());
        }
        for length in [400, 100_000] {
            let spaces = " ".repeat(length - "1e308".len());
            assert_eq!(clamp_numbers(&"9".repeat(length)), Some(format!("1e308{spaces}")));
        }
        for json in [r#"{"a":1e308,"b":0e999}"#, r#""1e400"#, r#""\\\"1e400""#, "-", "", "{}"] {
            assert_eq!(clamp_numbers(json), None, "{json}");
        }
    }
}
