//! How commands come to be on disk: the queue, the transaction, the WAL and its checkpoints.

pub(in crate::store) mod checkpoint;
pub(in crate::store::writer) mod overwritten;
pub(in crate::store) mod queue;
pub(in crate::store) mod recent_failures;
pub(in crate::store) mod stopping;
pub(in crate::store::writer) mod transaction;
pub(in crate::store::writer) mod wal_tail;
