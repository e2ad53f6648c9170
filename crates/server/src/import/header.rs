//! The first line of a file of postos: what separates its cells, and which columns it has.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::wrong::WrongFile;

/// The columns that are read, as a file names them.
pub(super) const COLUMNS: [&str; 9] = [
    "id",
    "nome",
    "latitude",
    "longitude",
    "localizacao",
    "status",
    "potencia_maxima",
    "tipo_conector",
    "preco_kwh",
];
const REQUIRED: [&str; 5] = ["id", "nome", "latitude", "longitude", "status"];
/// Either the last, or the others.
const PLACE: [&str; 3] = ["latitude", "longitude", "localizacao"];
/// A name that differs from that of a column by so many letters is one that was misspelt.
const MAX_MISSPELT: usize = 2;
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Where the columns of a file are.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
}

/// Letters without accents and case, with one `_` in place of whatever is between words. What is in
/// parentheses is a unit or a remark.
pub(super) fn normal(text: &str) -> String {
    let text = text.split('(').next().unwrap_or_default();
    let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// The separator that a line `sep=;` before the header names, and the length of that line.
pub(super) fn named_separator(text: &str) -> Option<(u8, usize)> {
    let length = text.find(['\r', '\n']).unwrap_or(text.len());
    let line = text[..length].trim_matches('"');
    let (name, separator) = line.split_at_checked(4)?;
    let separator = *separator.as_bytes().first()?;
    (name.eq_ignore_ascii_case("sep=") && separator.is_ascii()).then_some((separator, length))
}

/// The separator by which the first line that is not blank has most columns that are known; `None`
/// if every line is blank.
pub(super) fn likely_separator(text: &str) -> Option<u8> {
    let line = text.split(['\r', '\n']).find(|line| line.contains(char::is_alphanumeric))?;
    let known = |separator: u8| {
        let cells = line.split(char::from(separator)).map(|cell| normal(cell.trim_matches('"')));
        cells.filter(|cell| COLUMNS.contains(&cell.as_str())).count()
    };
    // The first of several that are equal.
    SEPARATORS.into_iter().rev().max_by_key(|separator| known(*separator))
}

impl Header {
    /// # Errors
    /// A required column is missing, one comes twice, or one is misspelt.
    pub(super) fn new<'a>(
        line: u64,
        cells: impl Iterator<Item = &'a str>,
    ) -> Result<Self, WrongFile> {
        let cells: Vec<&str> = cells.collect();
        let names: Vec<String> = cells.iter().map(|cell| normal(cell)).collect();
        let has = |column: &str| names.iter().any(|name| name == column);
        let mut wrong = WrongFile::default();
        for (at, name) in names.iter().enumerate() {
            if COLUMNS.contains(&name.as_str()) && names[..at].contains(name) {
                wrong.add(line, name, cells[at], "a coluna aparece duas vezes".to_owned());
            }
            let has_place = has("localizacao") || (has("latitude") && has("longitude"));
            let is_needed = |column: &str| !(has(column) || (has_place && PLACE.contains(&column)));
            let mut missing = COLUMNS.into_iter().filter(|column| is_needed(column));
            if !COLUMNS.contains(&name.as_str())
                && let Some(meant) = missing.find(|column| is_misspelt(name, column))
            {
                let reason = format!(
                    "nenhuma coluna tem este nome: escreva {meant}, ou outro nome se for outra coisa"
                );
                wrong.add(line, name, cells[at], reason);
            }
        }
        for column in REQUIRED {
            if !(has(column) || (has("localizacao") && PLACE.contains(&column))) {
                let found = cells.join(" | ");
                let reason = "falta esta coluna na primeira linha da tabela".to_owned();
                wrong.add(line, column, &found, reason);
            }
        }
        wrong.if_any()?;
        Ok(Self { names })
    }

    /// The index of a column.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.names.iter().position(|name| name == column)
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

/// A column whose name was written wrong would count as missing, and have its default everywhere.
fn is_misspelt(name: &str, column: &str) -> bool {
    let is_part = |short: &str, long: &str| short.len() >= 4 && long.starts_with(short);
    let distance = strsim::damerau_levenshtein(name, column);
    // Of a short name two other letters make another word.
    let close = distance <= MAX_MISSPELT && column.len() > 3 * distance;
    close || is_part(name, column) || is_part(column, name)
}
