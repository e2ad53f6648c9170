//! What a file says of one posto.

use domain::PostoChange;

/// A row of a file of postos.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedPosto {
    /// The line of the file, from 1.
    pub line: u64,
    /// `None` for a posto that is new.
    pub id: Option<i64>,
    /// What the row says of the posto.
    pub posto: PostoChange,
}
