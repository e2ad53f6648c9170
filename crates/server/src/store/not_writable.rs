//! Why a database cannot be kept where it is, as its operator can remedy it.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with a file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritable {
    /// This user may not write to it.
    Denied {
        path: PathBuf,
        user: u32,
        group: u32,
        owner: u32,
        owner_group: u32,
        mode: u32,
    },
    ReadOnly {
        path: PathBuf,
    },
    /// It is a file.
    NotAFolder {
        path: PathBuf,
    },
    /// It is a folder.
    NotAFile {
        path: PathBuf,
    },
    Full {
        path: PathBuf,
    },
}

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { path, user, group, owner, owner_group, mode } => write!(
                f,
                "this program runs as user {user} (group {group}) and may not write to {path}, which belongs to user {owner} (group {owner_group}, mode {mode:o}); as root: chown -R {user}:{group} {path} (if that is mounted into a container, the folder on the host that is mounted there)",
                path = path.display()
            ),
            Self::ReadOnly { path } => write!(
                f,
                "{} is on a read-only file system; mount it so that it can be written (in a compose file: without :ro; with read_only: true, a volume at that path)",
                path.display()
            ),
            Self::NotAFolder { path } => {
                write!(f, "{} is a file, and a folder is needed there", path.display())
            }
            Self::NotAFile { path } => write!(
                f,
                "{} is a folder; name a file in it (Docker makes a folder for a mounted file that the host does not have)",
                path.display()
            ),
            Self::Full { path } => {
                write!(f, "the disk that holds {} is full; free some space", path.display())
            }
        }
    }
}
