//! Who may call the admin API.

use crate::words;

words! {
    /// What the holder of a token may do.
    pub enum TokenPapel {
        /// Reads.
        Leitura = "leitura",
        /// Everything.
        Operador = "operador",
    }
}
