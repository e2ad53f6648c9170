//! Backups through standard output and input: a container's files can be reached by no other
//! program.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use domain::Moment;
use tempfile::TempDir;

use crate::store::{self, Copied};

/// As an argument, it stands for standard output or input.
pub(crate) fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes a backup to standard output. It is made in a file first, so that nothing but a whole one
/// is written.
pub(crate) fn back_up(
    database: &Path,
    server_id: &str,
    now: Moment,
) -> Result<Copied, Box<dyn Error>> {
    if io::stdout().is_terminal() {
        return Err("standard output is a terminal; write the backup to a file: > backup.db".into());
    }
    let folder = folder_beside(&store::file_of(database), server_id)?;
    let copied = store::back_up(database, server_id, &folder.path().join("backup.db"), now)?;
    let mut output = io::stdout().lock();
    let written = io::copy(&mut File::open(&copied.path)?, &mut output);
    written
        .and_then(|_| output.flush())
        .map_err(|error| format!("the backup cannot be written to standard output: {error}"))?;
    Ok(copied)
}

/// A backup that was read from standard input, as a file that is removed with its folder.
pub(crate) struct Received {
    pub(crate) path: PathBuf,
    _folder: TempDir,
    /// Goes after that, unless something was restored into it.
    _made: MadeFolders,
}

/// Folders that were not there, the innermost first.
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Those of `folder` and above it that are missing.
    fn missing(folder: &Path) -> Self {
        let missing = folder.ancestors().take_while(|folder| !folder.exists());
        Self(missing.map(Path::to_owned).collect())
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // Not if something is in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Reads a backup from standard input, to its end. The folder of the database is made if it is missing,
/// as on a new machine.
pub(crate) fn receive(database: &Path, server_id: &str) -> Result<Received, Box<dyn Error>> {
    if io::stdin().is_terminal() {
        return Err("standard input is a terminal; read the backup from a file: < backup.db".into());
    }
    let database = store::file_of(database);
    let parent = store::folder_of(&database);
    let made = MadeFolders::missing(parent);
    store::make_folder(parent)
        .map_err(|error| format!("the folder {} cannot be made: {error}", parent.display()))?;
    let folder = folder_beside(&database, server_id)?;
    let path = folder.path().join("backup.db");
    let read = io::copy(&mut io::stdin().lock(), &mut File::create_new(&path)?);
    let bytes =
        read.map_err(|error| format!("the backup cannot be read from standard input: {error}"))?;
    check_length(bytes, announced_length(&path)?)?;
    Ok(Received { path, _folder: folder, _made: made })
}

fn check_length(bytes: u64, announced: Option<u64>) -> Result<(), String> {
    match announced {
        _ if bytes == 0 => Err("standard input was empty: nothing was received".to_owned()),
        Some(all) if bytes < all => Err(format!(
            "only {bytes} of {all} bytes arrived on standard input: the backup is not complete"
        )),
        _ => Ok(()),
    }
}

/// How long a database is by its own header (sqlite.org/fileformat.html, section 1.3). `None` for
/// what is no database, which is said by who opens it.
fn announced_length(path: &Path) -> io::Result<Option<u64>> {
    let mut header = [0; 100];
    match File::open(path)?.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let number = |at: usize| {
        let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u32::from_be_bytes(bytes.unwrap_or_default())
    };
    // The length is right only if these two are the same.
    let (change_counter, valid_for) = (number(24), number(92));
    let is_known = header.starts_with(b"SQLite format 3\0") && change_counter == valid_for;
    let page_size = match number(16) >> 16 {
        1 => 65_536,
        size => u64::from(size),
    };
    Ok(is_known.then(|| page_size * u64::from(number(28))))
}

/// On the disk of the database, which has space for it; a folder for temporary files may be in memory.
fn folder_beside(database: &Path, server_id: &str) -> Result<TempDir, Box<dyn Error>> {
    store::remove_leftovers(database, server_id);
    let (prefix, mut folder) = (store::stream_prefix(server_id), tempfile::Builder::new());
    let parent = store::folder_of(database);
    let made = folder.prefix(&prefix).suffix(".parcial").tempdir_in(parent);
    let shown = parent.display();
    made.map_err(|error| format!("nothing can be written in {shown}: {error}").into())
}
