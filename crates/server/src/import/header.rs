//! The first line of a file of postos: what separates its cells, and which columns it has.

use std::collections::HashSet;

use csv::StringRecord;
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
/// Words that a name may have besides.
const LINKS: [&str; 6] = ["de", "do", "da", "dos", "das", "por"];
/// A name with such a word may be meant for that column.
const MEANT: [(&str, &[&str]); 9] = [
    ("id", &["id", "codigo", "numero"]),
    ("nome", &["nome", "name"]),
    ("latitude", &["latitude", "lat"]),
    ("longitude", &["longitude", "lon", "lng", "long"]),
    ("localizacao", &["localizacao", "coordenadas"]),
    ("status", &["status", "situacao", "estado"]),
    ("potencia_maxima", &["potencia", "potencias", "kw", "power"]),
    ("tipo_conector", &["conector", "conectores", "plugue", "plugues", "plug", "connector"]),
    (
        "preco_kwh",
        &["preco", "precos", "valor", "valores", "tarifa", "tarifas", "custo", "kwh", "price"],
    ),
];
/// Columns of a file; a spreadsheet may write empty ones after them.
const MAX_COLUMNS: usize = 1000;
/// Bytes of a name that is compared.
const MAX_NAME: usize = 200;
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Where the columns of a file are.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
    /// With those at the end that have no name.
    cells: usize,
}

/// Letters without accents and case, with one `_` in place of whatever is between words. What is in
/// brackets is a unit or a remark.
pub(super) fn normal(text: &str) -> String {
    let mut is_remark = false;
    let outside = text.chars().filter(|letter| {
        let was_remark = is_remark;
        is_remark = matches!(letter, '(' | '[') || (was_remark && !matches!(letter, ')' | ']'));
        !is_remark && !was_remark
    });
    words(&outside.collect::<String>()).join("_")
}

fn words(text: &str) -> Vec<String> {
    let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The name that a cell of the header gives a column; none if it is too long for a known one.
fn column_name(cell: &str) -> String {
    if cell.len() > MAX_NAME {
        return String::new();
    }
    let name = normal(cell);
    name.split('_').filter(|word| !LINKS.contains(word)).collect::<Vec<_>>().join("_")
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
        let cells = line.split(char::from(separator)).take(MAX_COLUMNS);
        let cells = cells.map(|cell| column_name(cell.trim().trim_matches('"')));
        cells.filter(|cell| COLUMNS.contains(&cell.as_str())).count()
    };
    // The first of several that are equal.
    SEPARATORS.into_iter().rev().max_by_key(|separator| known(*separator))
}

impl Header {
    /// # Errors
    /// A required column is missing, one comes twice, or one has a name like that of a column.
    pub(super) fn new(line: u64, record: &StringRecord) -> Result<Self, WrongFile> {
        let named =
            (0..record.len()).rev().find(|at| !record[*at].is_empty()).map_or(0, |last| last + 1);
        if named > MAX_COLUMNS {
            let reason = format!(
                "a primeira linha da tabela tem {named} colunas, e são lidas até {MAX_COLUMNS}: apague as que não são dos postos"
            );
            return Err(WrongFile::one(line, "", "", reason));
        }
        let cells: Vec<&str> = record.iter().take(named).collect();
        let names: Vec<String> = cells.iter().map(|cell| column_name(cell)).collect();
        let has = |column: &str| names.iter().any(|name| name == column);
        let has_place = has("localizacao") || (has("latitude") && has("longitude"));
        let is_missing = |column: &str| !(has(column) || (has_place && PLACE.contains(&column)));
        let missing: Vec<&str> = COLUMNS.into_iter().filter(|column| is_missing(column)).collect();
        let (mut wrong, mut seen) = (WrongFile::default(), HashSet::new());
        for (cell, name) in cells.iter().zip(&names) {
            if COLUMNS.contains(&name.as_str()) {
                if !seen.insert(name) {
                    wrong.add(line, name, cell, "a coluna aparece duas vezes".to_owned());
                }
            } else if let Some(meant) = meant(cell, name, &missing) {
                let reason = format!(
                    "nenhuma coluna tem este nome: se é {meant}, escreva {meant}; se é outra coisa, dê-lhe outro nome"
                );
                wrong.add(line, name, cell, reason);
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
        Ok(Self { names, cells: record.len() })
    }

    /// The index of a column.
    pub(super) fn find(&self, column: &str) -> Option<usize> {
        self.names.iter().position(|name| name == column)
    }

    /// How many columns there are up to the last one that has a name.
    pub(super) fn named(&self) -> usize {
        self.names.len()
    }

    pub(super) fn cells(&self) -> usize {
        self.cells
    }
}

/// The missing column that a cell of the header may be meant for: it would have its default
/// everywhere.
fn meant(cell: &str, name: &str, missing: &[&'static str]) -> Option<&'static str> {
    if cell.len() > MAX_NAME {
        return None;
    }
    let mut columns = missing.iter().copied();
    columns.clone().find(|column| is_misspelt(name, column)).or_else(|| {
        let words = words(cell);
        let means = |signs: &[&str]| words.iter().any(|word| signs.contains(&word.as_str()));
        columns.find(|column| MEANT.iter().any(|(meant, signs)| meant == column && means(signs)))
    })
}

fn is_misspelt(name: &str, column: &str) -> bool {
    let is_part = |short: &str, long: &str| short.len() >= 4 && long.starts_with(short);
    let distance = strsim::damerau_levenshtein(name, column);
    // Of a short name two other letters make another word.
    let close = distance <= MAX_MISSPELT && column.len() > 3 * distance;
    close || is_part(name, column) || is_part(column, name)
}
