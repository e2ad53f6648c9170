//! Why a database cannot be kept where it is, as its operator can remedy it.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with a file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritable {
    /// This user may not write to it.
    Denied {
        path: PathBuf,
        place: Place,
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

/// What a path names, which decides on the remedy. None of them gives away more than this program's
/// own: what is above its folder, and what else is in it, belongs to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The database, or a file that SQLite has beside it.
    File,
    Folder,
    /// The nearest folder that exists above this one.
    Above(PathBuf),
}

impl fmt::Display for NotWritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { path, place, user, group, owner, owner_group, mode } => {
                let path = path.display();
                write!(
                    f,
                    "this program runs as user {user} (group {group}) and may not write to {path}, which belongs to user {owner} (group {owner_group}, mode {mode:o}); "
                )?;
                let host = "(if that is mounted into a container, on the host)";
                match place {
                    Place::File => write!(
                        f,
                        "as root: chown {user}:{group} {path} {host}, and the same for the files beside it whose names begin like that of the database"
                    ),
                    Place::Folder => write!(
                        f,
                        "if this folder is its own, as root: chown {user}:{group} {path} {host}; else name one that is"
                    ),
                    Place::Above(missing) => write!(
                        f,
                        "as root: install -d -o {user} -g {group} {} {host}",
                        missing.display()
                    ),
                }
            }
            Self::ReadOnly { path } => write!(
                f,
                "{} is on a read-only file system; mount it so that it can be written (in a compose file: without :ro; with read_only: true, a volume at that path; in a unit of systemd: ReadWritePaths=)",
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
