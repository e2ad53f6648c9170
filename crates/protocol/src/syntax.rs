//! What is wrong with a text that is no JSON, for the mistakes that people and programs make, and where.

/// Where a text is no JSON.
pub(crate) struct Place<'a> {
    json: &'a str,
    /// How many bytes were read; the last of them is the wrong one.
    read: usize,
}

impl<'a> Place<'a> {
    /// `line` from 1; `column`, in bytes, from 1, or 0 for the break before the line.
    pub(crate) fn new(json: &'a str, line: usize, column: usize) -> Self {
        let before: usize =
            json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let read = (before + column).min(json.len());
        let (done, rest) = json.as_bytes().split_at(read);
        let is_control = |byte: Option<&u8>| byte.is_some_and(|byte| *byte < b' ');
        // In a field that does not exist, a control character is refused before it is read.
        let is_refused = is_control(rest.first()) && !is_control(done.last());
        let is_next = is_refused && ends_in_text(done) && wrong_escape(done).is_none();
        Self { json, read: read + usize::from(is_next) }
    }

    /// The place as an editor shows it: line and character from 1. A line break is at the end of its line.
    pub(crate) fn line_and_column(&self) -> (usize, usize) {
        let read = &self.json.as_bytes()[..self.read];
        let before = &read[..read.len().saturating_sub(1)];
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        // Of a character of several bytes, the first counts.
        let column = read[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        (line, column.max(1))
    }

    /// Says what is wrong; `None` if it is none of the known mistakes.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let place = self.read.checked_sub(1)?;
        let before = &self.json.as_bytes()[..place];
        if ends_in_text(before) {
            return Some(hint_in_text(&self.json.as_bytes()[..self.read]));
        }
        let wrong = (0..4).find_map(|back| self.json.get(place.checked_sub(back)?..));
        let wrong = wrong.and_then(|rest| rest.chars().next()).unwrap_or_default();
        if ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»'].contains(&wrong) {
            return Some(
                "em JSON nomes e textos vêm entre aspas duplas retas, sem as tipográficas",
            );
        }
        if ['}', ']'].contains(&wrong) && before.trim_ascii_end().ends_with(b",") {
            return Some("em JSON não há vírgula depois do último item");
        }
        let (start, token) = token_at(self.json.as_bytes(), place)?;
        hint_for_token(token, &self.json.as_bytes()[..start])
    }
}

/// Whether a text is open at the end of what else is JSON.
fn ends_in_text(json: &[u8]) -> bool {
    let (mut is_open, mut is_escaped) = (false, false);
    for byte in json {
        let escapes = is_open && !is_escaped && *byte == b'\\';
        is_open ^= *byte == b'"' && !is_escaped;
        is_escaped = escapes;
    }
    is_open
}

/// The mistake that ends `json`, in a text.
fn hint_in_text(json: &[u8]) -> &'static str {
    match json.last() {
        Some(b'\n' | b'\r') => r"em JSON uma quebra de linha dentro de um texto se escreve \n",
        Some(b'\t') => r"em JSON uma tabulação dentro de um texto se escreve \t",
        Some(..b' ') => {
            r"em JSON um caractere de controle dentro de um texto se escreve \u e quatro algarismos"
        }
        _ if wrong_escape(json) == Some(WrongEscape::LoneSurrogate) => {
            r"em JSON um \u de d800 a dfff vale só em par, como \ud83d\ude97"
        }
        _ => r"em JSON uma barra invertida dentro de um texto se escreve \\",
    }
}

#[derive(PartialEq, Eq)]
enum WrongEscape {
    /// One half of a pair, without the other half.
    LoneSurrogate,
    Unknown,
}

fn wrong_escape(json: &[u8]) -> Option<WrongEscape> {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[at..];
        let length = match (escaped(escape), escape.get(6..).and_then(escaped)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => return Some(WrongEscape::LoneSurrogate),
            (Some(_), _) => 6,
            (None, _) if escape.get(1).is_some_and(|byte| b"\"\\/bfnrt".contains(byte)) => 2,
            (None, _) => return Some(WrongEscape::Unknown),
        };
        rest = &escape[length..];
    }
    None
}

/// The number of the `\u` escape that `json` begins with.
fn escaped(json: &[u8]) -> Option<u32> {
    let digits = json.strip_prefix(br"\u")?.get(..4)?;
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

fn hint_for_token(token: &str, before: &[u8]) -> Option<&'static str> {
    let unsigned = token.trim_start_matches(['+', '-']);
    let is = |words: &[&str]| words.iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let is_digits = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = starts_with_digit(unsigned.trim_start_matches('.'));
    let is_word = token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    Some(if is(&["nan", "inf", "infinity"]) {
        "NaN e infinito não são números em JSON"
    } else if ["true", "false", "null"].contains(&token) {
        // What is wrong is beside it.
        return None;
    } else if is(&["true", "false", "null", "none", "undefined"]) {
        "em JSON se escreve true, false ou null"
    } else if token.starts_with('\'') {
        "em JSON nomes e textos vêm entre aspas duplas"
    } else if token.starts_with("//") || token.starts_with("/*") {
        "em JSON não há comentários"
    } else if is_number && token.starts_with('+') {
        "em JSON um número não começa por +"
    } else if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        "em JSON um número é decimal, não hexadecimal"
    } else if is_digits && follows_decimal_comma(before) {
        "em JSON as casas decimais vêm depois de um ponto, não de uma vírgula"
    } else if unsigned.strip_prefix('0').is_some_and(starts_with_digit) {
        "em JSON um número não começa por zeros"
    } else if is_number && has_bare_point(unsigned) {
        "em JSON o ponto de um número tem algarismos dos dois lados"
    } else if is_word && before.ends_with(b"\"") {
        r#"em JSON um texto termina na primeira aspa: falta uma, ou uma de dentro se escreve \""#
    } else if is_word {
        "em JSON nomes e textos vêm entre aspas duplas, que alguns terminais, como o PowerShell, retiram"
    } else {
        return None;
    })
}

/// The word or number that is at a place, or ends before it, and where it begins.
fn token_at(json: &[u8], place: usize) -> Option<(usize, &str)> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._'/*".contains(byte);
    let mut places = [Some(place), place.checked_sub(1)].into_iter().flatten();
    let place = places.find(|place| json.get(*place).is_some_and(is_part))?;
    let start = json[..place].iter().rposition(|byte| !is_part(byte)).map_or(0, |end| end + 1);
    let length = json[place..].iter().position(|byte| !is_part(byte));
    let end = length.map_or(json.len(), |length| place + length);
    Some((start, str::from_utf8(&json[start..end]).ok()?))
}

fn has_bare_point(number: &str) -> bool {
    let mut parts = number.split('.');
    let ends_bare = |part: &str| !part.ends_with(|c: char| c.is_ascii_digit());
    let starts_bare = |part: &str| !part.starts_with(|c: char| c.is_ascii_digit());
    parts.next().is_some_and(ends_bare) || parts.next().is_some_and(starts_bare)
}

fn follows_decimal_comma(before: &[u8]) -> bool {
    matches!(before, [.., digit, b','] if digit.is_ascii_digit())
}
