//! Folders and files that only the user of this program may read: a database has placas, and
//! `request_id`s, which are rights. The umask of most shells lets everybody read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::paths::{file_of, folder_of, with_suffix};

/// What of a mode lets every user read or change a file.
const FILE_OPEN: u32 = 0o006;
/// What of a mode lets every user reach what is in a folder.
const FOLDER_OPEN: u32 = 0o001;

/// Makes a folder, and those above it, where they are missing. One that exists stays as it is.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes an empty database, unless there is a file. SQLite gives the WAL and the shared memory the
/// mode of the database.
pub(in crate::store) fn make_database(path: &Path) -> io::Result<()> {
    // A link that leads nowhere is followed, as SQLite does.
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map(drop)
}

/// The files of a database that every user of this machine can read or change.
pub fn open_to_others(database: &Path) -> Vec<PathBuf> {
    let database = file_of(database);
    let mode = |path: &Path| fs::metadata(path).map_or(0, |found| found.permissions().mode());
    if folder_of(&database).ancestors().any(|folder| mode(folder) & FOLDER_OPEN == 0) {
        return Vec::new();
    }
    let files = ["", "-wal", "-shm"].map(|suffix| with_suffix(&database, suffix));
    files.into_iter().filter(|file| mode(file) & FILE_OPEN != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is there");
    }

    #[test]
    fn what_is_missing_is_made_for_this_user_and_what_exists_stays() {
        let home = tempfile::tempdir().expect("a folder");
        let there = home.path().join("there");
        fs::create_dir(&there).expect("a folder");
        set_mode(&there, 0o755);
        let folder = there.join("a/b");
        make_folder(&folder).expect("it is made");
        make_folder(&folder).expect("it is there");
        assert_eq!(
            [&there, &there.join("a"), &folder].map(|path| mode(path)),
            [0o755, 0o700, 0o700]
        );

        let (file, link) = (folder.join("server1.db"), folder.join("link.db"));
        std::os::unix::fs::symlink("server1.db", &link).expect("a link");
        make_database(&link).expect("it is made");
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "content").expect("a file");
        set_mode(&file, 0o644);
        make_database(&file).expect("it is there");
        assert_eq!((mode(&file), fs::read(&file).expect("a file")), (0o644, b"content".to_vec()));
    }

    #[test]
    fn a_file_is_open_where_every_folder_above_it_is() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("data");
        fs::create_dir(&folder).expect("a folder");
        let (database, wal) = (folder.join("server1.db"), folder.join("server1.db-wal"));
        for file in [&database, &wal] {
            fs::write(file, "").expect("a file");
        }
        for (of_home, of_folder, of_database, of_wal, open) in [
            (0o755, 0o755, 0o644, 0o600, vec![&database]),
            (0o755, 0o711, 0o600, 0o602, vec![&wal]),
            (0o755, 0o755, 0o644, 0o644, vec![&database, &wal]),
            (0o755, 0o755, 0o640, 0o660, vec![]),
            (0o755, 0o750, 0o644, 0o644, vec![]),
            (0o700, 0o755, 0o644, 0o644, vec![]),
        ] {
            set_mode(home.path(), of_home);
            set_mode(&folder, of_folder);
            set_mode(&database, of_database);
            set_mode(&wal, of_wal);
            let found = open_to_others(&database);
            assert!(found.iter().eq(open.iter().copied()), "{of_home:o} {of_folder:o}: {found:?}");
        }
        assert!(open_to_others(&folder.join("none.db")).is_empty());
    }
}
