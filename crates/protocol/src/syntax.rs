//! What is wrong with a text that is no JSON, for the mistakes that people and programs make.

/// Says what is wrong at the place of a syntax error; `None` if it is none of the known mistakes.
pub(crate) fn hint(json: &str, line: usize, column: usize) -> Option<&'static str> {
    let before: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let (start, token) = token_at(json.as_bytes(), before + column.saturating_sub(1))?;
    let unsigned = token.trim_start_matches(['+', '-']);
    let is = |words: &[&str]| words.iter().any(|word| unsigned.eq_ignore_ascii_case(word));
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let is_digits = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = starts_with_digit(unsigned.trim_start_matches('.'));
    Some(if is(&["nan", "inf", "infinity"]) {
        "NaN e infinito não são números em JSON"
    } else if is(&["true", "false", "none", "undefined"]) {
        "em JSON se escreve true, false ou null"
    } else if token.starts_with('\'') {
        "em JSON nomes e textos vêm entre aspas duplas"
    } else if token.starts_with("//") || token.starts_with("/*") {
        "em JSON não há comentários"
    } else if is_number && token.starts_with('+') {
        "em JSON um número não começa por +"
    } else if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        "em JSON um número é decimal, não hexadecimal"
    } else if is_digits && follows_decimal_comma(&json.as_bytes()[..start]) {
        "em JSON as casas decimais vêm depois de um ponto, não de uma vírgula"
    } else if unsigned.strip_prefix('0').is_some_and(starts_with_digit) {
        "em JSON um número não começa por zeros"
    } else if is_number && has_bare_point(unsigned) {
        "em JSON o ponto de um número tem algarismos dos dois lados"
    } else {
        return None;
    })
}

/// The word or number that is at a place, or ends before it, and where it begins.
fn token_at(json: &[u8], place: usize) -> Option<(usize, &str)> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._'/*".contains(byte);
    let place = [place, place.checked_sub(1)?];
    let place = *place.iter().find(|place| json.get(**place).is_some_and(is_part))?;
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
