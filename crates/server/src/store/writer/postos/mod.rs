//! Postos: kept, taken away and given back, and what their chargers say.

pub(in crate::store::writer) mod carregadores;
pub(in crate::store::writer) mod edit;
pub(in crate::store::writer) mod maintenance;
pub(in crate::store::writer) mod moving;
