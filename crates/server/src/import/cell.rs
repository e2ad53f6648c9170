//! Cells as spreadsheets write them: numbers of either kind, and what a spreadsheet has spoilt.

/// What a cell of a number holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// Whole.
    Id,
    /// Power or price.
    Amount,
    /// Latitude or longitude: never in the thousands.
    Degrees,
}

/// What formulas with an error show, in Portuguese and in English.
const FORMULA_ERRORS: [&str; 14] = [
    "#N/D",
    "#N/A",
    "#REF!",
    "#VALOR!",
    "#VALUE!",
    "#DIV/0!",
    "#NOME?",
    "#NAME?",
    "#NÚM!",
    "#NUM!",
    "#NULO!",
    "#NULL!",
    "#DESPEJAR!",
    "#SPILL!",
];
/// What is written for a minus: hyphens, the minus sign, a dash, and wide and small ones.
const HYPHENS: [char; 6] = ['\u{2010}', '\u{2011}', '\u{2013}', '\u{2212}', '\u{fe63}', '\u{ff0d}'];
/// Months as Excel shortens them, in Portuguese and in English.
const MONTHS: [&str; 19] = [
    "jan", "fev", "feb", "mar", "abr", "apr", "mai", "may", "jun", "jul", "ago", "aug", "set",
    "sep", "out", "oct", "nov", "dez", "dec",
];

/// What a spreadsheet wrote in place of the value, if it did.
pub(super) fn spoilt(cell: &str) -> Option<&'static str> {
    if FORMULA_ERRORS.contains(&cell.to_uppercase().as_str()) {
        return Some(
            "é o erro de uma fórmula: corrija a fórmula, ou escreva o valor no lugar dela",
        );
    }
    let is_too_narrow = cell.len() > 2 && cell.bytes().all(|byte| byte == b'#');
    is_too_narrow.then_some(
        "a coluna era estreita demais para mostrar o valor: alargue-a na planilha e salve de novo",
    )
}

/// The number as digits with a decimal point, whichever mark it was written with. `decimal_mark` is
/// the one that programs write that separate cells as this file does, if all of them write the same.
///
/// # Errors
/// What is wrong with it, and what to do in the spreadsheet.
pub(super) fn number(
    cell: &str,
    kind: Number,
    decimal_mark: Option<char>,
) -> Result<String, String> {
    let text = as_typed(cell);
    let text = text.trim();
    let text = match (kind, text.strip_prefix("R$")) {
        (Number::Amount, Some(amount)) => amount.trim(),
        _ => text,
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let is_plain = digits.chars().all(|letter| letter.is_ascii_digit() || ".,".contains(letter));
    if !is_plain || !digits.contains(|letter: char| letter.is_ascii_digit()) {
        return Err(not_a_number(text, kind));
    }
    let unsigned = with_point(digits, kind, decimal_mark)?;
    let number = format!("{sign}{unsigned}");
    match (kind, number.split_once('.')) {
        (Number::Id, Some((whole, fraction))) if fraction.bytes().all(|digit| digit == b'0') => {
            Ok(whole.to_owned())
        }
        _ => Ok(number),
    }
}

/// Without what nobody sees, and with the hyphen of a keyboard for every minus.
pub(super) fn as_typed(cell: &str) -> String {
    let seen = cell.chars().filter(|character| !domain::is_invisible(*character));
    seen.map(|one| if HYPHENS.contains(&one) { '-' } else { one }).collect()
}

fn with_point(digits: &str, kind: Number, decimal_mark: Option<char>) -> Result<String, String> {
    let unclear =
        || "tem pontos e vírgulas fora do lugar: escreva o número sem separador de milhar";
    let Some(last) = digits.rfind(['.', ',']) else { return Ok(digits.to_owned()) };
    let (whole, fraction) = (&digits[..last], &digits[last + 1..]);
    let mark = if digits[last..].starts_with('.') { '.' } else { ',' };
    match (kind, whole.find(['.', ','])) {
        (_, None) => {
            let may_be_thousands = kind != Number::Degrees
                && fraction.len() == 3
                && (1..=3).contains(&whole.len())
                && !whole.starts_with('0')
                && (kind == Number::Id || decimal_mark != Some(mark));
            if may_be_thousands {
                return Err(format!(
                    "pode ser {whole}{fraction} ou {whole}{}{fraction}: escreva o número sem separador de milhar{}",
                    decimal_mark.unwrap_or(mark),
                    if decimal_mark.is_none() && kind == Number::Amount { ", ou com outro número de casas decimais" } else { "" },
                ));
            }
            Ok(format!("{whole}.{fraction}"))
        }
        (Number::Degrees, Some(_)) => Err(
            "a planilha tomou o ponto decimal por separador de milhar: escreva de novo com a vírgula decimal dela, ou formate a coluna como texto"
                .to_owned(),
        ),
        // One mark only, more than once: all of it is whole.
        (_, Some(first)) if whole[first..].starts_with(mark) => {
            thousands(digits, mark).ok_or_else(|| unclear().to_owned())
        }
        (_, Some(first)) => {
            let other = if whole[first..].starts_with('.') { '.' } else { ',' };
            let whole = thousands(whole, other).ok_or_else(|| unclear().to_owned())?;
            Ok(format!("{whole}.{fraction}"))
        }
    }
}

/// The digits of a whole number with such a mark between groups of three.
fn thousands(digits: &str, mark: char) -> Option<String> {
    let mut groups = digits.split(mark);
    let first = groups.next().filter(|first| (1..=3).contains(&first.len()))?;
    let mut joined = first.to_owned();
    for group in groups {
        if group.len() != 3 || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        joined.push_str(group);
    }
    Some(joined)
}

fn not_a_number(text: &str, kind: Number) -> String {
    let right =
        if kind == Number::Id { "deve ser um número inteiro" } else { "deve ser um número" };
    let is_in = |allowed: &str| text.chars().all(|l| l.is_ascii_digit() || allowed.contains(l));
    if is_in("+-.,eE") && text.contains(['e', 'E']) && text.contains(|l: char| l.is_ascii_digit()) {
        return format!(
            "{right}, e a notação científica perde dígitos: formate a coluna como número e salve de novo"
        );
    }
    if is_date(text) {
        return format!(
            "{right}, mas é uma data, em que a planilha o transformou: formate a coluna como número e escreva o valor de novo"
        );
    }
    format!("{right}, só com algarismos e o sinal decimal")
}

/// `mai/22`, `22/05/2026`, `2026-05-22 00:00`, `05-mai`, `12:30`.
fn is_date(text: &str) -> bool {
    let is_month = |part: &str| {
        let month: String = part.to_lowercase().chars().take(3).collect();
        MONTHS.contains(&month.as_str())
    };
    let is_number = |part: &str| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.split(['/', '-', ':', ' ', '.']).filter(|part| !part.is_empty());
    let (months, others): (Vec<_>, Vec<_>) = parts.partition(|part| is_month(part));
    let is_divided = text.contains(['/', '-', ':']) || !months.is_empty();
    is_divided && !others.is_empty() && others.into_iter().all(is_number)
}
