//! The answer to a probe that found all well.

use serde::Serialize;
use utoipa::ToSchema;

/// Says that a probe was answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

impl Health {
    /// All is well.
    pub const OK: Self = Self { status: "ok" };
}
