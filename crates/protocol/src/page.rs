//! Lists that are asked for page by page.

use crate::{Invalid, field_values, fields, integer_schema};

/// How many items a page has at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageLimit(u32);

impl PageLimit {
    pub const MAX: Self = Self(100_000);

    pub fn new(limit: i64) -> Result<Self, Invalid> {
        let within = u32::try_from(limit).ok().filter(|limit| (1..=Self::MAX.0).contains(limit));
        within.map(Self).ok_or_else(|| Invalid(format!("deve estar entre 1 e {}", Self::MAX.0)))
    }

    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// The id after which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PageStart(i64);

impl PageStart {
    pub fn new(id: i64) -> Result<Self, Invalid> {
        if id < 0 {
            return Err(Invalid("deve ser zero ou o número de um posto".to_owned()));
        }
        Ok(Self(id))
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

field_values!(@ PageLimit, |scalar| Self::new(scalar.integer()?)?,
    |value| Integer(value.0.into()),
    integer_schema().minimum(Some(1)).maximum(Some(PageLimit::MAX.0)));
field_values!(@ PageStart, |scalar| Self::new(scalar.integer()?)?,
    |value| Integer(value.0), integer_schema().minimum(Some(0)));

fields! {
    /// Uma página de uma lista.
    pub struct Page {
        /// Quantos postos no máximo; vêm menos, se não couberem em uma mensagem.
        limite: Option<PageLimit>,
        /// Somente os postos de número maior que este: `proxima` da página anterior.
        apos: Option<PageStart>,
    }
}

impl Page {
    /// No page: the whole list.
    pub const WHOLE: Self = Self { limite: None, apos: None };
}
