//! Who calls, and what such a caller may do.

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Leitura,
    /// An operator: everything.
    Operador,
    /// An app of drivers: everything that its gateway offers.
    App,
}

/// Who calls: an extension of each request to a protected route, unless everybody may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub role: Role,
}
