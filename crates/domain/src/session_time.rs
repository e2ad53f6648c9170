//! When a session can have been.

/// Why a session cannot have begun or ended then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionTimeError {
    #[error("não pode estar no futuro")]
    InicioInFuture,
    #[error("não pode estar no futuro")]
    FimInFuture,
    #[error("não pode ser antes de inicio")]
    FimBeforeInicio,
}

impl SessionTimeError {
    /// The field, as spelled on the wire, that is wrong.
    pub fn campo(self) -> &'static str {
        match self {
            Self::InicioInFuture => "inicio",
            Self::FimInFuture | Self::FimBeforeInicio => "fim",
        }
    }
}
