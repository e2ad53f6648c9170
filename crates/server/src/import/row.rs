//! One row of a file of postos.

use csv::StringRecord;
use domain::{InvalidValue, Kw, Localizacao, Nome, Price, TipoConector};

use super::cell::{self, Number};
use super::header::{COLUMNS, Header, normal};
use super::wrong::WrongFile;
use crate::table::unguarded;

/// The greatest integer that every JSON reader keeps exactly, 2^53 - 1. New postos get greater ids.
const MAX_ID: i64 = 9_007_199_254_740_991;

/// What a row of a file says of one posto. No row is without the fields that are not an `Option`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedPosto {
    /// The line of the file, from 1.
    pub line: u64,
    /// `None` for a posto that is new.
    pub id: Option<i64>,
    pub nome: Nome,
    pub localizacao: Localizacao,
    pub potencia_maxima: Option<Kw>,
    pub tipo_conector: Option<TipoConector>,
    pub preco_kwh: Option<Price>,
    /// As the operator says; `None` for a posto in maintenance.
    pub in_service: Option<bool>,
    pub em_manutencao: Option<bool>,
}

pub(super) struct Row<'a> {
    pub(super) header: &'a Header,
    pub(super) record: &'a StringRecord,
    pub(super) line: u64,
    pub(super) separator: u8,
    pub(super) decimal_mark: Option<char>,
    pub(super) wrong: &'a mut WrongFile,
}

impl<'a> Row<'a> {
    fn cell(&self, column: &str) -> &'a str {
        self.header.find(column).and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    pub(super) fn report(&mut self, column: &str, reason: &str) {
        let cell = self.cell(column);
        let unclosed = if cell.contains(['\n', '\r']) {
            "; a célula tem uma quebra de linha: talvez faltem aspas que a fechem"
        } else {
            ""
        };
        self.wrong.add(self.line, column, cell, format!("{reason}{unclosed}"));
    }

    /// The posto; `None` if anything in the row is wrong, which is then reported.
    pub(super) fn read(&mut self) -> Option<ImportedPosto> {
        let before = self.wrong.total;
        self.check_length();
        self.check_quotes();
        for column in COLUMNS {
            if let Some(reason) = cell::spoilt(self.cell(column)) {
                self.report(column, reason);
            }
        }
        if self.wrong.total > before {
            return None;
        }
        let id = self.id();
        if self.cell("nome").is_empty() {
            self.report("nome", "é obrigatório");
        }
        let (in_service, em_manutencao) = self.status();
        let nome = self.text("nome", Nome::new);
        let localizacao = self.place();
        let potencia_maxima = self.amount("potencia_maxima", Kw::new);
        let tipo_conector = self.text("tipo_conector", TipoConector::new);
        let preco_kwh = self.amount("preco_kwh", Price::new);
        if self.wrong.total > before {
            return None;
        }
        Some(ImportedPosto {
            line: self.line,
            id: id?,
            nome: nome?,
            localizacao: localizacao?,
            potencia_maxima,
            tipo_conector,
            preco_kwh,
            in_service,
            em_manutencao,
        })
    }

    fn check_length(&mut self) {
        let (columns, cells) = (self.header.cells(), self.record.len());
        // Spreadsheets write separators for columns that are empty.
        if self.record.iter().skip(columns).any(|cell| !cell.is_empty()) {
            let reason = format!(
                "a linha tem {cells} células e a primeira tem {columns}: ponha entre aspas o texto ou número que tem o separador dentro"
            );
            let row: Vec<_> = self.record.iter().collect();
            self.wrong.add(self.line, "", &row.join(" | "), reason);
        }
    }

    /// A quote that is not closed in its row ends at one of a later row, with the rows between.
    fn check_quotes(&mut self) {
        let separator = char::from(self.separator);
        let is_row = |line: &str| line.matches(separator).count() + 1 >= self.header.named();
        let swallowed = |cell: &&str| cell.split(['\r', '\n']).skip(1).any(is_row);
        if let Some(cell) = self.record.iter().find(swallowed) {
            let reason = "a célula tem dentro outra linha inteira da tabela: feche as aspas que a abrem no fim da célula, ou apague-as";
            self.wrong.add(self.line, "", cell, reason.to_owned());
        }
    }

    /// The id, if the row has one; `None` if it is wrong.
    fn id(&mut self) -> Option<Option<i64>> {
        let text = self.cell("id");
        if text.is_empty() {
            return Some(None);
        }
        let range = || format!("deve ser um número inteiro entre 1 e {MAX_ID}");
        let id = cell::number(text, Number::Id, self.decimal_mark).and_then(|number| {
            let id = number.parse().ok().filter(|id| (1..=MAX_ID).contains(id));
            id.ok_or_else(range)
        });
        id.map(Some).map_err(|reason| self.report("id", &reason)).ok()
    }

    /// The value of a cell, unless it is empty: then a posto that exists keeps what it has, and a
    /// new one gets the default.
    fn text<T>(&mut self, column: &str, new: fn(&str) -> Result<T, InvalidValue>) -> Option<T> {
        let text = self.cell(column);
        let value = (!text.is_empty()).then(|| new(&unguarded(text)))?;
        value.map_err(|error| self.report(column, &error.to_string())).ok()
    }

    fn amount<T>(&mut self, column: &str, new: fn(f64) -> Result<T, InvalidValue>) -> Option<T> {
        let text = self.cell(column);
        if text.is_empty() {
            return None;
        }
        let amount = cell::number(text, Number::Amount, self.decimal_mark).and_then(|number| {
            let number = number.parse().map_err(|_| "deve ser um número".to_owned())?;
            new(number).map_err(|error| error.to_string())
        });
        amount.map_err(|reason| self.report(column, &reason)).ok()
    }

    fn place(&mut self) -> Option<Localizacao> {
        let both = ["latitude", "longitude"].map(|column| self.header.find(column).is_some());
        if both == [false, false] {
            if self.cell("localizacao").is_empty() {
                self.report("localizacao", "é obrigatório");
            }
            return self.text("localizacao", |text| Localizacao::new(&cell::as_typed(text)));
        }
        let latitude = self.degrees("latitude", 90, |degrees| format!("{degrees},0"));
        let longitude = self.degrees("longitude", 180, |degrees| format!("0,{degrees}"));
        let place = Localizacao::new(&format!("{},{}", latitude?, longitude?));
        place.map_err(|error| self.report("latitude", &error.to_string())).ok()
    }

    fn degrees(
        &mut self,
        column: &str,
        limit: u32,
        in_place: impl Fn(&str) -> String,
    ) -> Option<String> {
        let text = self.cell(column);
        let range = || {
            format!(
                "deve estar entre -{limit} e {limit}, em graus decimais: confira se a planilha não perdeu o sinal decimal"
            )
        };
        let degrees = if text.is_empty() {
            Err("é obrigatório".to_owned())
        } else {
            cell::number(text, Number::Degrees, self.decimal_mark).and_then(|degrees| {
                let is_on_earth = Localizacao::new(&in_place(&degrees)).is_ok();
                if is_on_earth { Ok(degrees) } else { Err(range()) }
            })
        };
        degrees.map_err(|reason| self.report(column, &reason)).ok()
    }

    /// Whether the posto is in service and in maintenance; maintenance says nothing of the former.
    fn status(&mut self) -> (Option<bool>, Option<bool>) {
        match normal(self.cell("status")).as_str() {
            "disponivel" => (Some(true), Some(false)),
            "indisponivel" => (Some(false), Some(false)),
            "em_manutencao" | "manutencao" => (None, Some(true)),
            _ => {
                self.report("status", "deve ser disponivel, indisponivel ou em_manutencao");
                (None, None)
            }
        }
    }
}
