//! The answer to a probe.

use serde::Serialize;
use utoipa::ToSchema;

/// A resposta a uma sonda.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct Health {
    /// Sempre `ok`.
    status: &'static str,
}

impl Health {
    pub const OK: Self = Self { status: "ok" };
}

pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}
