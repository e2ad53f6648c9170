//! Files of postos, as spreadsheets and other programs write them (docs/decisions/0048).

mod cell;
mod header;
mod plan;
mod quotes;
mod read;
mod row;
#[cfg(test)]
mod tests;
mod text;
mod wrong;

pub(crate) use plan::{Counts, Mode, NotImported, import_postos};
pub(crate) use read::read_file;
pub use read::{ImportError, read_postos};
pub use row::ImportedPosto;
pub use wrong::{WrongCell, WrongFile};
