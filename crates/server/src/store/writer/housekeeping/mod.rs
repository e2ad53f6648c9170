//! What is due as time passes: the sweep, the archive, sums for statistics, and forgetting.

pub(in crate::store::writer) mod archive;
pub(in crate::store::writer) mod forget;
pub(in crate::store::writer) mod service_times;
pub(in crate::store::writer) mod statistics;
pub(in crate::store) mod sweep;
pub(in crate::store::writer) mod vacuum;
