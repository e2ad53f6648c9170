//! All SQL of a servidor: one writer, and readers that never block it.
//!
//! The store loads facts for the pure domain and writes its decisions. It does not know wire
//! messages, HTTP or the broker.

mod audit;
mod backup;
mod backup_names;
mod beside_others;
mod change_answer;
mod connections;
mod copies;
mod database_url;
mod diagnosis;
mod environment;
mod error;
mod examination;
mod first_answer;
mod handle;
mod in_use;
mod lost_files;
mod metrics_refresh;
mod not_writable;
mod open_files;
mod paths;
mod progress;
mod reader;
mod request_outcome;
mod restore;
mod restored_ids;
mod rotation;
mod rows;
mod schema;
mod statistics;
mod stored_rejection;
mod write_trace;
mod writer;

pub use audit::{AUDIT_TARGET_PATTERN, Action, Author, is_audit_target};
pub use backup::{BackupError, Copied, DatabaseSummary, back_up};
pub use copies::{remove_leftovers, stream_prefix};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use diagnosis::why_not_writable;
pub use environment::{Change, Clock, Environment};
pub use error::{StoreError, WriteError};
pub use examination::{
    BrokenPromises, Contents, DatabaseFiles, Disk, FileSystem, Integrity, OpenIn, TokenHashes,
    examine_contents, examine_files,
};
pub use handle::{Store, StoreCloser};
pub use in_use::is_in_use;
pub use metrics_refresh::MetricsRefresh;
pub use not_writable::NotWritable;
pub use paths::{file_of, folder_of, with_suffix};
pub(crate) use reader::archive_age;
pub use reader::{
    Archivable, AuditQuery, AuditRow, CarregamentosQuery, Estimated, ForgettableRows, Listing,
    RefusalIds, ReservasQuery, StoredToken,
};
pub use request_outcome::{CurrentReserva, RequestOutcome, Reserved};
pub use restore::{Replaced, RestoreError, Restored, restore};
pub use rotation::{Rotated, Rotation};
pub use rows::carros::CarroRow;
pub use rows::postos::{PostoRow, StatesRow, StoredPosto};
pub use rows::reservas::StoredReserva;
pub use statistics::{Counted, CountedPosto, CountedRefusals, Statistics, StatisticsQuery};
pub use writer::*;
