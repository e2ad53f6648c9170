//! The files of a database: whose they are, how large, and who has them open.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use domain::Moment;
use rustix::process::{Flock, FlockType, fcntl_getlk, geteuid};

use super::disk::Disk;
use crate::store::files::diagnosis::why_not_writable;
use crate::store::files::not_writable::NotWritable;
use crate::store::files::paths::{file_of, folder_of, with_suffix};

/// Where SQLite has its locks, in every database file.
const SHARED_LOCKS: u64 = 0x4000_0002;
const SHARED_LOCKS_LENGTH: u64 = 510;

/// The files of a database, and where they are.
#[derive(Debug)]
pub struct DatabaseFiles {
    pub path: PathBuf,
    pub exists: bool,
    pub bytes: u64,
    pub wal_bytes: u64,
    /// Why this user cannot keep a database there.
    pub obstacle: Option<NotWritable>,
    /// This user, and the one whose database it is; without one, whose folder.
    pub user: u32,
    pub owner: Option<u32>,
    /// Files beside the database of another user than its own: path, user and that of the database.
    pub foreign: Vec<(PathBuf, u32, u32)>,
    /// Of these and their folder, those that every user may change, with their modes.
    pub open_to_all: Vec<(PathBuf, u32)>,
    pub disk: Option<Disk>,
    /// When one of them was written last.
    pub changed_at: Option<Moment>,
    pub open_in: OpenIn,
}

/// Where a database is open.
#[derive(Debug)]
pub enum OpenIn {
    Nowhere,
    Process {
        pid: i32,
        /// Of its program; empty if it cannot be read.
        name: String,
    },
    /// A process that cannot be seen from here.
    Unseen,
    /// The file cannot be asked.
    Unknown(io::Error),
}

/// Asks the file system only.
pub fn examine_files(path: &Path) -> DatabaseFiles {
    let real = file_of(path);
    let (database, open_in) = match fs::metadata(&real) {
        Ok(file) if file.is_file() => (Some(file), open_in(&real)),
        Err(error) if !is_absence(error.kind()) => (None, OpenIn::Unknown(error)),
        _ => (None, OpenIn::Nowhere),
    };
    let others = ["-wal", "-shm", ".token"].map(|suffix| with_suffix(&real, suffix));
    let others: Vec<_> = others
        .into_iter()
        .filter_map(|path| fs::metadata(&path).ok().map(|file| (path, file)))
        .collect();
    let owner = database.as_ref().map(Metadata::uid);
    let foreign = others.iter().filter_map(|(path, file)| {
        let owner = owner.filter(|owner| *owner != file.uid())?;
        Some((path.clone(), file.uid(), owner))
    });
    let folder = folder_of(&real).ancestors().find(|folder| folder.is_dir());
    let folder = folder.unwrap_or(Path::new("."));
    let places = [real.as_path(), folder_of(&real)].into_iter();
    let places = places.filter_map(|path| Some((path.to_owned(), fs::metadata(path).ok()?.mode())));
    let places = places.chain(others.iter().map(|(path, file)| (path.clone(), file.mode())));
    let changed = database.iter().chain(others.iter().map(|(_, file)| file));
    let owner_of_folder = || fs::metadata(folder).ok().map(|folder| folder.uid());
    DatabaseFiles {
        user: geteuid().as_raw(),
        owner: owner.or_else(owner_of_folder),
        exists: database.is_some(),
        bytes: database.as_ref().map_or(0, Metadata::len),
        wal_bytes: fs::metadata(with_suffix(&real, "-wal")).map_or(0, |wal| wal.len()),
        obstacle: why_not_writable(path),
        foreign: foreign.collect(),
        open_to_all: places.filter(|(_, mode)| may_all_change(*mode)).collect(),
        disk: Disk::of(folder),
        changed_at: changed.map(moment).max(),
        open_in,
        path: path.to_owned(),
    }
}

/// In a sticky folder each user changes only its own files.
fn may_all_change(mode: u32) -> bool {
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o002;
    mode & OTHERS_WRITE != 0 && mode & STICKY == 0
}

fn moment(file: &Metadata) -> Moment {
    Moment::from_millis(file.mtime().saturating_mul(1_000))
}

/// What an error says where there is no such file.
fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn open_in(path: &Path) -> OpenIn {
    match holder(path) {
        Ok(None) => OpenIn::Nowhere,
        Ok(Some(0)) => OpenIn::Unseen,
        Ok(Some(pid)) => {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            OpenIn::Process { pid, name: name.trim_end().to_owned() }
        }
        Err(error) if is_absence(error.kind()) => OpenIn::Nowhere,
        Err(error) => OpenIn::Unknown(error),
    }
}

/// A connection in WAL mode holds a shared lock from its first read until it is closed. To ask for
/// locks changes none; but the end of this call releases those that this process has on the file.
fn holder(path: &Path) -> io::Result<Option<i32>> {
    let file = File::open(path)?;
    let whole =
        Flock { start: SHARED_LOCKS, length: SHARED_LOCKS_LENGTH, ..FlockType::WriteLock.into() };
    let lock = fcntl_getlk(&file, &whole)?;
    Ok(lock.map(|lock| lock.pid.map_or(0, |pid| pid.as_raw_nonzero().get())))
}
