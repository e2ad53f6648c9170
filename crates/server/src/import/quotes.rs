//! The quotes of a file of postos. The CSV reader takes any of them: one that is not closed would
//! swallow the rows after it, and one after a blank would be part of the text.

use std::borrow::Cow;
use std::ops::Range;

use super::wrong::WrongFile;

const UNCLOSED: &str = "as aspas que abrem esta célula não são fechadas até o fim do arquivo: feche-as no fim da célula, ou apague-as";
const TEXT_AFTER: &str = "há texto depois das aspas que fecham esta célula: feche-as no fim da célula, escreva em dobro (\"\") as que fazem parte do texto, ou apague-as";

/// Where in a cell the scan is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before any text.
    Start,
    Plain,
    Quoted,
    /// Directly after a quote in a quoted cell: another one makes both part of the text.
    Quote,
    /// Blanks after the closing quote.
    After,
}

/// The text without the blanks between a separator and a quote, which other programs write.
///
/// # Errors
/// Quotes that are not closed, or closed in the middle of a cell.
pub(super) fn without_blanks_before(text: &str, separator: u8) -> Result<Cow<'_, str>, WrongFile> {
    let separator = char::from(separator);
    let (mut blanks, mut wrong) = (Vec::new(), WrongFile::default());
    let (mut at, mut line) = (At::Start, 1);
    // Where the cell begins, and where its quote is.
    let (mut cell, mut opened) = (0, (line, 0));
    let mut letters = text.char_indices().peekable();
    while let Some((index, letter)) = letters.next() {
        let is_line_end = letter == '\n'
            || (letter == '\r' && letters.peek().is_none_or(|(_, letter)| *letter != '\n'));
        let ends_cell = letter == separator || matches!(letter, '\r' | '\n');
        at = match at {
            At::Quoted => {
                if letter == '"' {
                    At::Quote
                } else {
                    At::Quoted
                }
            }
            At::Quote if letter == '"' => At::Quoted,
            _ if ends_cell => {
                cell = index + 1;
                At::Start
            }
            At::Start if letter == '"' => {
                blanks.push(cell..index);
                opened = (line, index);
                At::Quoted
            }
            At::Start if letter.is_whitespace() => At::Start,
            At::Quote | At::After if letter.is_whitespace() => At::After,
            At::Quote | At::After => {
                wrong.add(opened.0, "", first_line(&text[opened.1..]), TEXT_AFTER.to_owned());
                At::Plain
            }
            At::Start | At::Plain => At::Plain,
        };
        line += u64::from(is_line_end);
    }
    if at == At::Quoted {
        wrong.add(opened.0, "", first_line(&text[opened.1..]), UNCLOSED.to_owned());
    }
    wrong.if_any()?;
    Ok(without(text, &blanks))
}

fn first_line(text: &str) -> &str {
    text.split(['\r', '\n']).next().unwrap_or_default()
}

fn without<'a>(text: &'a str, parts: &[Range<usize>]) -> Cow<'a, str> {
    if parts.iter().all(Range::is_empty) {
        return Cow::Borrowed(text);
    }
    let (mut rest, mut kept) = (0, String::with_capacity(text.len()));
    for part in parts {
        kept.push_str(&text[rest..part.start]);
        rest = part.end;
    }
    kept.push_str(&text[rest..]);
    Cow::Owned(kept)
}
