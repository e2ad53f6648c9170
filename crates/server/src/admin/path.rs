//! The ids in the paths of routes, as they are read and documented.

use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PostoPath {
    /// Número do posto
    #[param(minimum = 1)]
    pub(super) id: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ReservaPath {
    /// Número da reserva
    #[param(minimum = 1)]
    pub(super) id: i64,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CarregamentoPath {
    /// Número do carregamento
    #[param(minimum = 1)]
    pub(super) id: i64,
}

/// A charging session of one posto.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PostoCarregamentoPath {
    /// Número do posto
    #[param(minimum = 1)]
    pub(super) id: i64,
    /// Número do carregamento
    #[param(minimum = 1)]
    pub(super) carregamento_id: i64,
}
