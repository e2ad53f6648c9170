//! Tables as CSV files, for spreadsheets and for other programs (docs/decisions/0048).

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use domain::words;

use crate::failpoints::{Bug, has};

words! {
    /// How a CSV file is written.
    #[derive(Default)]
    pub(crate) enum Dialect {
        /// RFC 4180, in UTF-8, numbers with a decimal point, times as in RFC 3339.
        #[default]
        Standard = "padrao",
        /// As Excel in Brazil reads and writes it: `;`, a decimal comma, times that it takes for
        /// such, and a byte order mark.
        Excel = "excel",
    }
}

/// A column of a table.
pub(crate) enum Column {
    Time(&'static str),
    Other(&'static str),
}

/// A cell of a row.
pub(crate) enum Cell<'a> {
    /// Somebody chose it, so it may look like a formula.
    Text(&'a str),
    Integer(i64),
    /// Digits, with a decimal point.
    Number(String),
    /// RFC 3339, in UTC.
    Time(String),
    Empty,
}

/// Characters with which a spreadsheet lets a formula begin, and the wide forms that some take for
/// them.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
/// Where cells end in one dialect or another. A spreadsheet that expects the other dialect begins a
/// cell after each, also within quotes.
const SEPARATORS: [char; 5] = [',', ';', '\t', '\r', '\n'];
const QUOTE: char = '"';
/// In front of a text that looks like a formula: spreadsheets then show it as text.
const GUARD: char = '\'';

/// Whether a spreadsheet would take a cell that begins so for a formula, or would if it had no guard.
fn looks_like_formula(text: &str) -> bool {
    text.trim_start_matches(GUARD).starts_with(FORMULA)
}

/// A text for a cell. Each part that a spreadsheet may take for a cell and a formula has a guard.
fn guarded(text: &str) -> String {
    let parts = text.split_inclusive(SEPARATORS);
    let mut guarded = String::with_capacity(text.len() + 1);
    for part in parts {
        if looks_like_formula(part) {
            guarded.push(GUARD);
        }
        guarded.push_str(part);
    }
    guarded
}

/// The text that was written as `cell`.
pub(crate) fn unguarded(cell: &str) -> String {
    let parts = cell.split_inclusive(SEPARATORS);
    let unguarded = parts.map(|part| match part.strip_prefix(GUARD) {
        Some(text) if looks_like_formula(text) => text,
        _ => part,
    });
    unguarded.collect()
}

/// A cell as it is written. LibreOffice splits rows at commas and semicolons alike, unless they are
/// within quotes; a number in quotes is a number to it and to Excel.
fn quoted(cell: String) -> String {
    match cell.contains(QUOTE) || cell.contains(SEPARATORS) {
        true => format!("{QUOTE}{}{QUOTE}", cell.replace(QUOTE, "\"\"")),
        false => cell,
    }
}

/// Writes rows as parts of a file.
pub(crate) struct Table {
    dialect: Dialect,
    writer: Writer<Vec<u8>>,
}

impl Table {
    /// A part without rows.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let mut builder = WriterBuilder::new();
        // `quoted` does that, for the separators of the other dialect too.
        builder.flexible(true).terminator(Terminator::CRLF).quote_style(QuoteStyle::Never);
        if dialect == Dialect::Excel {
            builder.delimiter(b';');
        }
        Self { dialect, writer: builder.from_writer(Vec::new()) }
    }

    /// The first row, after the byte order mark if the dialect has one.
    pub(crate) fn head(dialect: Dialect, columns: &[Column]) -> Vec<u8> {
        let mut table = Self::new(dialect);
        let names = columns.iter().map(|column| match (column, dialect) {
            // Their cells have no offset.
            (Column::Time(name), Dialect::Excel) => format!("{name} (UTC)"),
            (Column::Time(name) | Column::Other(name), _) => (*name).to_owned(),
        });
        // Writing to memory cannot fail.
        let _ = table.writer.write_record(names);
        let mark: &[u8] = if dialect == Dialect::Excel { b"\xEF\xBB\xBF" } else { b"" };
        [mark, &table.finish()].concat()
    }

    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) {
        let cells = cells.iter().map(|cell| quoted(self.dialect.text_of(cell)));
        let _ = self.writer.write_record(cells);
    }

    /// The rows that were written.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.writer.into_inner().unwrap_or_default()
    }
}

impl Dialect {
    fn text_of(self, cell: &Cell<'_>) -> String {
        match (cell, self) {
            (Cell::Text(text), _) if has(Bug::RawCells) => (*text).to_owned(),
            (Cell::Text(text), _) => guarded(text),
            (Cell::Integer(number), _) => number.to_string(),
            (Cell::Number(number), Self::Excel) => number.replace('.', ","),
            (Cell::Time(time), Self::Excel) => {
                time.chars().take(19).collect::<String>().replace('T', " ")
            }
            (Cell::Number(text) | Cell::Time(text), Self::Standard) => text.clone(),
            (Cell::Empty, _) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dialect: Dialect, cells: &[Cell<'_>]) -> String {
        let mut table = Table::new(dialect);
        table.row(cells);
        String::from_utf8(table.finish()).expect("UTF-8")
    }

    #[test]
    fn both_dialects_write_numbers_times_and_separators_as_their_readers_expect() {
        let row = || {
            [
                Cell::Integer(5),
                Cell::Text("a,b;\"c\""),
                Cell::Number("-2.5".to_owned()),
                Cell::Time("2026-01-31T18:00:00.500Z".to_owned()),
                Cell::Empty,
            ]
        };
        let standard = "5,\"a,b;\"\"c\"\"\",-2.5,2026-01-31T18:00:00.500Z,\r\n";
        assert_eq!(written(Dialect::Standard, &row()), standard);
        let excel = "5;\"a,b;\"\"c\"\"\";\"-2,5\";2026-01-31 18:00:00;\r\n";
        assert_eq!(written(Dialect::Excel, &row()), excel);
        let head = Table::head(Dialect::Excel, &[Column::Other("id"), Column::Time("fim")]);
        assert_eq!(head, b"\xEF\xBB\xBFid;fim (UTC)\r\n");
        let head = Table::head(Dialect::Standard, &[Column::Other("id"), Column::Time("fim")]);
        assert_eq!(head, b"id,fim\r\n");
    }

    #[test]
    fn no_text_begins_a_formula_and_each_is_read_as_it_was() {
        for text in ["=1+1", "+55 11", "-x", "@SUM(A1)", "\tx", "\rx", "＝1", "'=1", "''+1"] {
            let cell = Dialect::Standard.text_of(&Cell::Text(text));
            assert_eq!((cell.starts_with('\''), unguarded(&cell).as_str()), (true, text));
        }
        for text in ["Ponto 5", "'Ponto' 5", "a=b", "5-6", "a, -b; c", ""] {
            let cell = Dialect::Standard.text_of(&Cell::Text(text));
            assert_eq!((cell.as_str(), unguarded(&cell).as_str()), (text, text));
        }
        // What begins a cell for a spreadsheet that expects another dialect.
        for (text, cell) in [
            ("a;=1+1;b", "a;'=1+1;b"),
            ("a,+1,-2", "a,'+1,'-2"),
            ("a;'=1", "a;''=1"),
            ("a\t@x\n=y", "a\t'@x\n'=y"),
            ("\t=1", "'\t'=1"),
            ("=1;=2", "'=1;'=2"),
        ] {
            let written = Dialect::Standard.text_of(&Cell::Text(text));
            assert_eq!((written.as_str(), unguarded(&written).as_str()), (cell, text));
        }
        // Numbers are not texts: they stay numbers.
        assert_eq!(Dialect::Standard.text_of(&Cell::Number("-2.5".to_owned())), "-2.5");
    }
}
