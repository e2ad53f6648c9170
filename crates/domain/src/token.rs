//! Who may call the admin API.

use crate::InvalidValue;

/// What the holder of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPapel {
    /// Reads.
    Leitura,
    /// Everything.
    Operador,
}

impl TokenPapel {
    pub const ALL: [Self; 2] = [Self::Leitura, Self::Operador];

    /// The word for it, on the wire and on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leitura => "leitura",
            Self::Operador => "operador",
        }
    }

    /// The role that `word` stands for.
    pub fn parse(word: &str) -> Result<Self, InvalidValue> {
        let found = Self::ALL.into_iter().find(|papel| papel.as_str() == word);
        found.ok_or(InvalidValue::new("deve ser leitura ou operador"))
    }
}
