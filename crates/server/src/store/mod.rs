//! All SQL of a servidor: one writer, and readers that never block it.
//!
//! The store loads facts for the pure domain and writes its decisions. It does not know wire
//! messages, HTTP or the broker.

mod answers;
mod audit;
mod backup;
mod environment;
mod error;
mod examination;
mod files;
mod handle;
mod metrics_refresh;
mod progress;
mod reader;
mod rows;
mod schema;
mod statistics;
mod write_trace;
mod writer;

pub use answers::request_outcome::{CurrentReserva, RequestKey, RequestOutcome, Reserved};
pub use audit::{AUDIT_TARGET_PATTERN, Action, Author, is_audit_target};
pub use backup::back_up::{BackupError, Copied, DatabaseSummary, back_up};
pub use backup::restore::{Replaced, RestoreError, Restored, restore};
pub use backup::rotation::{Rotated, Rotation};
pub use environment::{Change, Clock, Environment};
pub use error::{StoreError, WriteError};
pub use examination::{
    BrokenPromises, Contents, DatabaseFiles, Disk, FileSystem, Integrity, OpenIn, TokenHashes,
    examine_contents, examine_files,
};
pub use files::copies::{remove_leftovers, stream_prefix};
pub use files::database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use files::diagnosis::why_not_writable;
pub use files::in_use::is_in_use;
pub use files::not_writable::NotWritable;
pub use files::paths::{file_of, folder_of, with_suffix};
pub use files::private::{make_folder, open_to_others};
pub use handle::{Store, StoreCloser};
pub use metrics_refresh::MetricsRefresh;
pub(crate) use reader::archive_age;
pub use reader::{
    Archivable, AuditQuery, AuditRow, CarregamentosQuery, Estimated, ForgettableRows, Listing,
    RefusalIds, ReservasQuery, StoredToken,
};
pub use rows::carros::CarroRow;
pub use rows::postos::{OperatorPosto, PostoRow, StatesRow};
pub use rows::reservas::ReservaView;
pub use statistics::{Counted, CountedPosto, CountedRefusals, Statistics, StatisticsQuery};
pub use writer::*;
