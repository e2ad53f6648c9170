//! Reading a file of postos.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use csv::StringRecord;

use super::header::{self, Header};
use super::quotes;
use super::row::{ImportedPosto, Row};
use super::text;
use super::wrong::WrongFile;

/// Why a file of postos was not imported; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{path} não pode ser lido: {reason}{}", advice(.reason.kind()))]
    File { path: String, reason: std::io::Error },
    #[error("{path} {wrong}")]
    Wrong { path: String, wrong: WrongFile },
}

fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::IsADirectory => {
            "; é uma pasta: o Docker cria uma no lugar de um arquivo montado que não existe no computador"
        }
        ErrorKind::PermissionDenied => "; dê ao usuário deste programa permissão de leitura",
        _ => "",
    }
}

/// Reads all postos of a file, or none.
pub(crate) fn read_file(path: &Path) -> Result<Vec<ImportedPosto>, ImportError> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path);
    let bytes = bytes.map_err(|reason| ImportError::File { path: shown(), reason })?;
    read_postos(&bytes).map_err(|wrong| ImportError::Wrong { path: shown(), wrong })
}

/// Reads all postos of a file, or finds everything that is wrong in it.
pub fn read_postos(bytes: &[u8]) -> Result<Vec<ImportedPosto>, WrongFile> {
    let text =
        text::decode(bytes).map_err(|(line, reason)| WrongFile::one(line, "", "", reason))?;
    let empty = || WrongFile::one(1, "", "", "o arquivo não tem nenhuma linha".to_owned());
    let (separator, start) = match header::named_separator(&text) {
        Some(named) => named,
        None => (header::likely_separator(&text).ok_or_else(empty)?, 0),
    };
    // What a line `sep=` names is no cell.
    let text = quotes::without_blanks_before(&text[start..], separator)?;
    let mut rows = Rows::new(&text, separator);
    let (line, first) = rows.next_row().ok_or_else(empty)?;
    let header = Header::new(line, first)?;
    let (mut postos, mut wrong) = (Vec::new(), WrongFile::default());
    let mut ids = HashMap::new();
    // Any program may separate cells by tabs, whichever mark it writes.
    let decimal_mark = match separator {
        b',' => Some('.'),
        b';' => Some(','),
        _ => None,
    };
    while let Some((line, record)) = rows.next_row() {
        let mut row =
            Row { header: &header, record, line, separator, decimal_mark, wrong: &mut wrong };
        let Some(posto) = row.read() else { continue };
        if let Some(id) = posto.id
            && let Some(before) = ids.insert(id, line)
        {
            row.report("id", &format!("já está na linha {before}"));
        }
        postos.push(posto);
    }
    wrong.if_any()?;
    Ok(postos)
}

/// The rows of a text that are not blank, each with its line.
struct Rows<'a> {
    text: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    /// The text up to here has so many line ends.
    counted: usize,
    line_ends: u64,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, separator: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let record = StringRecord::new();
        Self { text: text.as_bytes(), reader, record, counted: 0, line_ends: 0 }
    }

    fn next_row(&mut self) -> Option<(u64, &StringRecord)> {
        // The text is UTF-8 and the reader takes rows of any length: it cannot fail.
        while self.reader.read_record(&mut self.record).unwrap_or(false) {
            self.record.trim();
            if self.record.iter().any(|cell| !cell.is_empty()) {
                return Some((self.line(), &self.record));
            }
        }
        None
    }

    /// The line at which the latest record begins. The reader's own count is that of the blank lines
    /// before it.
    fn line(&mut self) -> u64 {
        let position = self.record.position().map_or(0, csv::Position::byte);
        let mut end = usize::try_from(position).unwrap_or(usize::MAX);
        while matches!(self.text.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        let counted = &self.text[self.counted.min(end)..end];
        let ends = counted.iter().enumerate().filter(|(at, byte)| {
            **byte == b'\n' || (**byte == b'\r' && counted.get(at + 1) != Some(&b'\n'))
        });
        self.line_ends += ends.count() as u64;
        self.counted = end;
        1 + self.line_ends
    }
}
