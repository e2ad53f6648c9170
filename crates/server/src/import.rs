//! The postos of a first start, from a CSV file.

use std::collections::HashSet;
use std::path::Path;

use csv::StringRecord;
use domain::Posto;
use protocol::{BadMessage, PostoBody, read_texts};

const REQUIRED: [&str; 5] = ["id", "nome", "latitude", "longitude", "status"];
/// The greatest integer that every JSON reader keeps exactly, 2^53 - 1. New postos get greater ids.
const MAX_ID: i64 = 9_007_199_254_740_991;

/// Why a file of postos was not imported; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{path} não pode ser lido: {reason}")]
    File { path: String, reason: String },
    /// `line` counts from 1.
    #[error("{path}, linha {line}: {reason}; nada foi importado")]
    Row { path: String, line: u64, reason: String },
}

/// Reads all postos of a file, or none.
pub fn read_postos(path: &Path) -> Result<Vec<(i64, Posto)>, ImportError> {
    let shown = path.display().to_string();
    let file_error = |reason: String| ImportError::File { path: shown.clone(), reason };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| file_error(error.to_string()))?;
    let headers = reader.headers().map_err(|error| file_error(error.to_string()))?;
    let headers: StringRecord =
        headers.iter().map(|header| header.trim_start_matches('\u{feff}')).collect();
    if let Some(reason) = wrong_columns(&headers) {
        return Err(file_error(reason));
    }
    let mut postos = Vec::new();
    let mut ids = HashSet::new();
    let mut record = StringRecord::new();
    loop {
        let line = reader.position().line();
        let row_error = |line, reason| ImportError::Row { path: shown.clone(), line, reason };
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(postos),
            Err(error) => return Err(row_error(line, unreadable(&error))),
        }
        let line = record.position().map_or(line, csv::Position::line);
        let row = Row { headers: &headers, record: &record };
        let (id, posto) = row.read().map_err(|reason| row_error(line, reason))?;
        if !ids.insert(id) {
            return Err(row_error(line, row.wrong("id", "já está em uma linha anterior")));
        }
        postos.push((id, posto));
    }
}

fn wrong_columns(headers: &StringRecord) -> Option<String> {
    let mut seen = HashSet::new();
    if let Some(twice) = headers.iter().find(|header| !header.is_empty() && !seen.insert(*header)) {
        return Some(format!("a coluna {twice} aparece duas vezes na primeira linha"));
    }
    let missing =
        REQUIRED.into_iter().find(|column| headers.iter().all(|found| found != *column))?;
    let hint = if headers.iter().any(|header| header.contains(';')) {
        "; as colunas devem ser separadas por vírgulas, não por ponto e vírgula"
    } else {
        ""
    };
    Some(format!("falta a coluna {missing} na primeira linha{hint}"))
}

fn unreadable(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("tem {len} colunas, mas a primeira linha tem {expected_len}")
        }
        _ => error.to_string(),
    }
}

struct Row<'a> {
    headers: &'a StringRecord,
    record: &'a StringRecord,
}

impl Row<'_> {
    fn cell(&self, column: &str) -> &str {
        let at = self.headers.iter().position(|header| header == column);
        at.and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    fn wrong(&self, column: &str, reason: &str) -> String {
        format!("coluna {column}, valor {:?}: {reason}", self.cell(column))
    }

    /// Reads the row as the fields of a posto that an operator describes over HTTP.
    fn read(&self) -> Result<(i64, Posto), String> {
        let id = self.cell("id").parse().ok().filter(|id| (1..=MAX_ID).contains(id));
        let id = id.ok_or_else(|| {
            self.wrong("id", &format!("deve ser um número inteiro entre 1 e {MAX_ID}"))
        })?;
        let (disponivel, em_manutencao) = match self.cell("status").to_lowercase().as_str() {
            "disponivel" | "disponível" => ("true", "false"),
            "indisponivel" | "indisponível" => ("false", "false"),
            "em_manutencao" | "em manutenção" | "manutencao" | "manutenção" => ("true", "true"),
            _ => {
                let right = "deve ser disponivel, indisponivel ou em_manutencao";
                return Err(self.wrong("status", right));
            }
        };
        let place = format!("{},{}", self.cell("latitude"), self.cell("longitude"));
        let mut fields = vec![
            ("nome", self.cell("nome")),
            ("localizacao", &place),
            ("disponivel", disponivel),
            ("em_manutencao", em_manutencao),
        ];
        // Other columns are fields of a posto too, or are ignored; an empty cell means the default.
        for (column, cell) in self.headers.iter().zip(self.record) {
            if !cell.is_empty() && fields.iter().all(|(name, _)| *name != column) {
                fields.push((column, cell));
            }
        }
        let fields: Vec<_> =
            fields.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let posto = read_texts::<PostoBody>(&fields).map_err(|bad| self.wrong_field(bad))?;
        Ok((id, posto.into()))
    }

    fn wrong_field(&self, bad: BadMessage) -> String {
        let Some(wrong) = bad.campos().into_iter().next() else { return String::new() };
        if wrong.campo == "localizacao" {
            return format!(
                "colunas latitude e longitude, valores {:?} e {:?}: {}",
                self.cell("latitude"),
                self.cell("longitude"),
                wrong.mensagem
            );
        }
        // The value is named already.
        let reason = wrong.mensagem.split(", mas veio").next().unwrap_or_default();
        self.wrong(&wrong.campo, reason)
    }
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
    fn missing_columns_have_defaults() {
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
            ("x,B,1,1,disponivel,2", "coluna id, valor \"x\""),
            ("0,B,1,1,disponivel,2", "coluna id, valor \"0\""),
            ("1,B,1,1,disponivel,2", "linha anterior"),
            ("2,,1,1,disponivel,2", "nome"),
            ("2,B,91,1,disponivel,2", "latitude"),
            ("2,B,1,1,livre,2", "coluna status, valor \"livre\""),
            ("2,B,1,1,disponivel,caro", "coluna preco_kwh, valor \"caro\": deve ser um número;"),
            ("2,B,1,1,disponivel,NaN", "coluna preco_kwh, valor \"NaN\""),
            ("2,B,1,1,disponivel,1000.5", "deve estar entre 0 e 1000"),
            ("9223372036854775807,B,1,1,disponivel,2", "entre 1 e 9007199254740991"),
            ("2,B,1", "tem 3 colunas, mas a primeira linha tem 6"),
        ] {
            let error = read(&format!("{head}{row}\n")).expect_err(row).to_string();
            assert!(error.contains("linha 3") && error.contains(reason), "{row}: {error}");
        }
    }

    #[test]
    fn a_column_that_appears_twice_is_named() {
        let error = read("id,nome,latitude,longitude,status,preco_kwh,preco_kwh\n");
        let error = error.expect_err("two prices").to_string();
        assert!(error.contains("a coluna preco_kwh aparece duas vezes"), "{error}");
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = read("id,nome,latitude,longitude\n").expect_err("no status").to_string();
        assert!(error.contains("falta a coluna status"), "{error}");
        let error = read("id;nome;latitude;longitude;status\n").expect_err("; for ,").to_string();
        assert!(error.contains("vírgulas, não por ponto e vírgula"), "{error}");
    }
}
