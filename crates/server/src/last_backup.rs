//! When the database was last backed up, in a file beside it: the backups themselves may be on
//! another machine.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use protocol::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::{Copied, folder_of, with_suffix};

/// The last backup that was written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    pub quando: Timestamp,
    pub bytes: u64,
    pub reservas: i64,
    /// It was written to standard output to its end; whether somebody kept it is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enviado: bool,
}

impl LastBackup {
    pub(crate) fn of(copied: &Copied, quando: Timestamp, enviado: bool) -> Self {
        Self { quando, bytes: copied.bytes, reservas: copied.summary.reservas, enviado }
    }

    /// `None` if there was none, or if the file cannot be read.
    pub fn read(database: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path(database)).ok()?).ok()
    }

    /// Replaces what is known of the one before.
    ///
    /// # Errors
    /// The file beside the database is as it was.
    pub(crate) fn record(&self, database: &Path) -> io::Result<()> {
        let path = path(database);
        let mut file = tempfile::NamedTempFile::new_in(folder_of(&path))?;
        serde_json::to_writer(&mut file, self)?;
        file.write_all(b"\n")?;
        // The servidor may run as another user than the backup.
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.persist(path)?;
        Ok(())
    }
}

fn path(database: &Path) -> PathBuf {
    // Beside the file that a symbolic link leads to, as SQLite's own files are.
    let real = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    with_suffix(&real, ".ultimo-backup")
}
