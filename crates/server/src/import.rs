//! The postos of a first start, from a CSV file.

use std::collections::HashSet;
use std::path::Path;

use domain::{Kw, Localizacao, Posto, Price};
use serde::Deserialize;

const DEFAULT_POTENCIA_MAXIMA: &str = "22.0";
const DEFAULT_TIPO_CONECTOR: &str = "CCS";
const DEFAULT_PRECO_KWH: &str = "2.5";
/// The greatest integer that every JSON reader keeps exactly, 2^53 - 1; and new postos get greater
/// ids still.
const MAX_ID: i64 = 9_007_199_254_740_991;

/// Why a file of postos was not imported; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read at all.
    #[error("{path} cannot be read: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system or the CSV reader says.
        reason: String,
    },
    /// A row is wrong.
    #[error("{path}, line {line}: {reason}; nothing was imported")]
    Row {
        /// The file.
        path: String,
        /// Its line, counted from 1.
        line: u64,
        /// The column, what is wrong and what would be right.
        reason: String,
    },
}

#[derive(Deserialize)]
struct CsvRow {
    id: String,
    nome: String,
    latitude: String,
    longitude: String,
    status: String,
    potencia_maxima: Option<String>,
    tipo_conector: Option<String>,
    preco_kwh: Option<String>,
}

/// Reads all postos of a file, or none.
///
/// # Errors
/// The file cannot be read, or a row is wrong: its line and what is wrong.
pub fn read_postos(path: &Path) -> Result<Vec<(i64, Posto)>, ImportError> {
    let shown = path.display().to_string();
    let file_error = |reason: String| ImportError::File { path: shown.clone(), reason };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| file_error(error.to_string()))?;
    let headers = reader.headers().map_err(|error| file_error(error.to_string()))?.clone();
    for column in ["id", "nome", "latitude", "longitude", "status"] {
        if !headers.iter().any(|header| header.trim_start_matches('\u{feff}') == column) {
            let separators = if headers.iter().any(|header| header.contains(';')) {
                "; its columns should be separated by commas, not semicolons"
            } else {
                ""
            };
            return Err(file_error(format!(
                "the column {column} is missing in its first line{separators}"
            )));
        }
    }
    let headers: csv::StringRecord =
        headers.iter().map(|header| header.trim_start_matches('\u{feff}')).collect();
    let mut postos = Vec::new();
    let mut ids = HashSet::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        let row_error = |reason: String| ImportError::Row { path: shown.clone(), line, reason };
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(postos),
            Err(error) => return Err(row_error(error.to_string())),
        }
        let line = record.position().map_or(line, csv::Position::line);
        let row_error = |reason: String| ImportError::Row { path: shown.clone(), line, reason };
        let row: CsvRow =
            record.deserialize(Some(&headers)).map_err(|error| row_error(error.to_string()))?;
        let (id, posto) = row.read().map_err(row_error)?;
        if !ids.insert(id) {
            return Err(row_error(format!("id {id} stands in an earlier line already")));
        }
        postos.push((id, posto));
    }
}

impl CsvRow {
    fn read(self) -> Result<(i64, Posto), String> {
        let id = self.id.parse().ok().filter(|id| (1..=MAX_ID).contains(id));
        let id: i64 = id.ok_or_else(|| {
            format!("id is {:?}; it should be an integer from 1 to {MAX_ID}", self.id)
        })?;
        text("nome", &self.nome, 120)?;
        let localizacao = Localizacao::from_degrees(&self.latitude, &self.longitude)
            .map_err(|_| place_error(&self.latitude, &self.longitude))?;
        let (in_service, em_manutencao) = match self.status.to_lowercase().as_str() {
            "disponivel" | "disponível" => (true, false),
            "indisponivel" | "indisponível" => (false, false),
            "em_manutencao" | "em manutenção" | "manutencao" | "manutenção" => (true, true),
            _ => {
                return Err(format!(
                    "status is {:?}; it should be disponivel, indisponivel or em_manutencao",
                    self.status
                ));
            }
        };
        let tipo_conector = given(self.tipo_conector, DEFAULT_TIPO_CONECTOR);
        text("tipo_conector", &tipo_conector, 40)?;
        Ok((
            id,
            Posto {
                nome: self.nome,
                localizacao,
                potencia_maxima: number(
                    "potencia_maxima",
                    &given(self.potencia_maxima, DEFAULT_POTENCIA_MAXIMA),
                    |power| Kw::new(power).ok().filter(|power| power.get() > 0.0),
                    "over 0 and at most 5000",
                )?,
                tipo_conector,
                preco_kwh: number(
                    "preco_kwh",
                    &given(self.preco_kwh, DEFAULT_PRECO_KWH),
                    |price| Price::new(price).ok(),
                    "from 0 to 1000",
                )?,
                in_service,
                em_manutencao,
            },
        ))
    }
}

fn given(column: Option<String>, default: &str) -> String {
    column.filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn place_error(latitude: &str, longitude: &str) -> String {
    format!(
        "latitude is {latitude:?} and longitude {longitude:?}; they should be decimal degrees, \
         for example -23.5540 and -46.6370"
    )
}

fn text(column: &str, text: &str, max: usize) -> Result<(), String> {
    let fits = (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    Err(format!("{column} should have 1 to {max} characters, and no control characters"))
}

fn number<T>(
    column: &str,
    text: &str,
    new: impl FnOnce(f64) -> Option<T>,
    range: &str,
) -> Result<T, String> {
    let value = text.parse().ok().and_then(new);
    value.ok_or_else(|| format!("{column} is {text:?}; it should be a number {range}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Result<Vec<(i64, Posto)>, ImportError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("postos.csv");
        std::fs::write(&path, content).expect("a file");
        read_postos(&path)
    }

    #[test]
    fn optional_columns_have_the_contracts_defaults() {
        let postos =
            read("id,nome,latitude,longitude,status\n5,Ponto 5,-23.5540,-46.6370,disponivel\n");
        let (id, posto) = postos.expect("a good file").remove(0);
        assert_eq!((id, posto.localizacao.as_str()), (5, "-23.5540,-46.6370"));
        assert_eq!((posto.potencia_maxima.get(), posto.preco_kwh.get()), (22.0, 2.5));
        assert_eq!((posto.tipo_conector.as_str(), posto.in_service), ("CCS", true));
    }

    #[test]
    fn a_bad_row_names_its_line_and_what_is_wrong() {
        let head = "id,nome,latitude,longitude,status,preco_kwh\n1,A,1,1,disponivel,2\n";
        for (row, reason) in [
            ("x,B,1,1,disponivel,2", "id is \"x\""),
            ("0,B,1,1,disponivel,2", "id is \"0\""),
            ("1,B,1,1,disponivel,2", "earlier line"),
            ("2,,1,1,disponivel,2", "nome"),
            ("2,B,91,1,disponivel,2", "latitude"),
            ("2,B,1,1,livre,2", "status is \"livre\""),
            ("2,B,1,1,disponivel,caro", "preco_kwh is \"caro\""),
            ("2,B,1,1,disponivel,NaN", "preco_kwh is \"NaN\""),
            ("2,B,1,1,disponivel,1000.5", "from 0 to 1000"),
            ("9223372036854775807,B,1,1,disponivel,2", "from 1 to 9007199254740991"),
            ("2,B,1", "record with"),
        ] {
            let error = read(&format!("{head}{row}\n")).expect_err(row).to_string();
            assert!(error.contains("line 3") && error.contains(reason), "{row}: {error}");
        }
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = read("id,nome,latitude,longitude\n").expect_err("no status").to_string();
        assert!(error.contains("column status is missing"), "{error}");
        let error = read("id;nome;latitude;longitude;status\n").expect_err("; for ,").to_string();
        assert!(error.contains("commas, not semicolons"), "{error}");
    }
}
