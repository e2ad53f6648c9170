//! What is wrong in a file of postos; for the operator, who corrects it in a spreadsheet.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Errors that are listed; a file that is wrong throughout has as many as cells.
const MAX_LISTED: usize = 100;
/// Characters of a cell that are shown.
const MAX_SHOWN: usize = 120;

/// Uma célula errada e o que fazer na planilha.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WrongCell {
    /// Linha do arquivo, a partir de 1.
    pub linha: u64,
    /// Nome da coluna; vazio se o erro é da linha inteira.
    pub coluna: String,
    /// O que foi lido.
    pub valor: String,
    /// O que está errado e o que seria certo.
    pub mensagem: String,
}

/// Everything that is wrong in a file; it is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrongFile {
    /// The first ones.
    pub listed: Vec<WrongCell>,
    /// How many there are with those that are not listed.
    pub total: usize,
}

impl WrongFile {
    pub(super) fn add(&mut self, linha: u64, coluna: &str, valor: &str, mensagem: String) {
        self.total += 1;
        if self.listed.len() < MAX_LISTED {
            let valor = valor.chars().take(MAX_SHOWN).collect();
            self.listed.push(WrongCell { linha, coluna: coluna.to_owned(), valor, mensagem });
        }
    }

    pub(super) fn one(linha: u64, coluna: &str, valor: &str, mensagem: String) -> Self {
        let mut wrong = Self::default();
        wrong.add(linha, coluna, valor, mensagem);
        wrong
    }

    pub(super) fn if_any(self) -> Result<(), Self> {
        if self.total == 0 { Ok(()) } else { Err(self) }
    }

    /// How many errors there are, as a sentence says it.
    pub fn count(&self) -> String {
        if self.total == 1 { "1 erro".to_owned() } else { format!("{} erros", self.total) }
    }
}

impl fmt::Display for WrongCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linha {}", self.linha)?;
        if !self.coluna.is_empty() {
            write!(f, ", coluna {}", self.coluna)?;
        }
        if !self.valor.is_empty() {
            write!(f, ", valor {:?}", self.valor)?;
        }
        write!(f, ": {}", self.mensagem)
    }
}

impl fmt::Display for WrongFile {
    /// One line for each error that is listed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tem {} e nada foi importado", self.count())?;
        for wrong in &self.listed {
            write!(f, "\n  {wrong}")?;
        }
        match self.total - self.listed.len() {
            0 => Ok(()),
            more => write!(f, "\n  e mais {more}"),
        }
    }
}
