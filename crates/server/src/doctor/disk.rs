//! The files of the database, and the disks that it needs.

use std::path::PathBuf;

use service::doctor::{Check, hanging};

use crate::config::Config;
use crate::store::{DatabaseFiles, Disk, FileSystem};

const MIB: u64 = 1 << 20;
/// So much is written between two checkpoints under load.
const MIN_FREE_SPACE: u64 = 256 * MIB;
/// A database needs three files, and a backup some more for a moment.
const MIN_FREE_FILES: u64 = 100;
/// Beyond what the servidor lets it grow to under load.
const LARGE_WAL: u64 = 512 * MIB;
const ROOT: u32 = 0;
/// What sorting a long list may take.
const MIN_TEMPORARY_SPACE: u64 = 16 * MIB;
/// In the order in which SQLite looks for one.
const TEMPORARY: [&str; 3] = ["/var/tmp", "/usr/tmp", "/tmp"];

/// `files`: `None` if their disk does not answer.
pub(super) fn disk_checks(config: &Config, files: Option<&DatabaseFiles>) -> Vec<Check> {
    let Some(files) = files else {
        return vec![hanging("disk", config.database_url.path().display())];
    };
    let mut checks = file_checks(files);
    checks.push(temporary());
    checks
}

fn file_checks(files: &DatabaseFiles) -> Vec<Check> {
    let mut checks = vec![access(files)];
    checks.extend(files.foreign.iter().map(|(path, user, owner)| {
        let found =
            format!("{} belongs to user {user}, and the database to {owner}", path.display());
        let remedy =
            format!("as root: chown {owner} {} (in a container: on the host)", path.display());
        Check::failure("files", found, remedy)
    }));
    checks.extend(files.open_to_all.iter().map(|(path, mode)| {
        let shown = path.display();
        let found =
            format!("every user of this machine may change {shown} (mode {:o})", mode & 0o7777);
        Check::warning("files", found, format!("chmod o-w {shown} (in a container: on the host)"))
    }));
    match &files.disk {
        Some(disk) => {
            checks.push(space(files, disk));
            checks.extend(few_files(disk));
            checks.push(kind(disk));
        }
        None => {
            let found =
                format!("the disk of {} does not say how much is free", files.path.display());
            checks.push(Check::unchecked("space", found, "look at it with df"));
        }
    }
    if files.wal_bytes > LARGE_WAL {
        let found = format!("the WAL has {}", size(files.wal_bytes));
        let remedy =
            "end what reads the database for long (sqlite3, a copy), then restart the servidor";
        checks.push(Check::warning("wal", found, remedy));
    }
    checks
}

fn size(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(MIB))
}

fn access(files: &DatabaseFiles) -> Check {
    let path = files.path.display();
    match &files.obstacle {
        Some(obstacle) => {
            let found = format!("nothing can be written at {path}");
            Check::failure("files", found, obstacle.to_string())
        }
        None => match files.owner.filter(|owner| files.user == ROOT && *owner != ROOT) {
            // Nothing refuses root.
            Some(owner) => {
                let found =
                    format!("root can write at {path}; whether user {owner} can was not looked at");
                let remedy = format!(
                    "run this command as user {owner}, with these settings and in this folder"
                );
                Check::unchecked("files", found, remedy)
            }
            None => {
                Check::ok("files", format!("this user can read and write {path} and its folder"))
            }
        },
    }
}

/// A backup takes as much as the database; writing it anew after something was forgotten, twice that.
fn space(files: &DatabaseFiles, disk: &Disk) -> Check {
    let (folder, free) = (disk.folder.display(), size(disk.free));
    let whole = files.bytes + files.wal_bytes;
    let found = format!("{free} are free in {folder}, and the database has {}", size(whole));
    let remedy = format!(
        "free some space in {folder}, or move the database to a larger disk (DATABASE_URL)"
    );
    if disk.free < MIN_FREE_SPACE / 4 {
        Check::failure("space", found, remedy)
    } else if disk.free < MIN_FREE_SPACE {
        Check::warning("space", found, remedy)
    } else if disk.free < 2 * whole {
        let found = format!("{found}: too little to write it anew after something was forgotten");
        // Also what goes to standard output is first written beside the database.
        let remedy = format!("{remedy}; make backups on another disk: server backup /OTHER/DISK");
        Check::warning("space", found, remedy)
    } else {
        Check::ok("space", found)
    }
}

fn few_files(disk: &Disk) -> Option<Check> {
    let free = disk.free_files.filter(|free| *free < MIN_FREE_FILES)?;
    let folder = disk.folder.display();
    let found = format!("only {free} more files can be made in {folder} (inodes)");
    let remedy = format!("remove small files from its disk: df -i {folder}");
    Some(Check::failure("space", found, remedy))
}

fn kind(disk: &Disk) -> Check {
    let folder = disk.folder.display();
    const MOVE: &str = "keep the database on a local disk, in Docker in a volume (DATABASE_URL)";
    match disk.kind {
        FileSystem::Local => Check::ok("file system", format!("{folder} is on a local disk")),
        FileSystem::Network(name) => {
            let found = format!(
                "{folder} is on {name}, whose locks and order of writes may not be what SQLite needs"
            );
            Check::warning("file system", found, MOVE)
        }
        FileSystem::Memory => {
            let found = format!("{folder} is in memory: a restart of the machine loses everything");
            Check::warning("file system", found, MOVE)
        }
        FileSystem::Overlay => {
            let found = format!("{folder} is in the container: removing that loses everything");
            Check::warning("file system", found, MOVE)
        }
    }
}

/// Where SQLite sorts what does not fit in memory.
fn temporary() -> Check {
    let set =
        ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = TEMPORARY.into_iter().map(PathBuf::from);
    temporary_among(set.chain(usual).collect())
}

fn temporary_among(folders: Vec<PathBuf>) -> Check {
    let usable = folders.into_iter().find(|folder| {
        let wanted = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        folder.is_dir() && rustix::fs::access(folder, wanted).is_ok()
    });
    let remedy = "name a folder with space in TMPDIR; in docker-compose.yml: tmpfs: [/tmp]";
    let Some(folder) = usable else {
        return Check::failure("temporary files", "no folder can be used for them", remedy);
    };
    let (shown, free) = (folder.display(), Disk::of(&folder).map_or(0, |disk| disk.free));
    let found = format!("{} are free in {shown}", size(free));
    match free < MIN_TEMPORARY_SPACE {
        true => Check::warning("temporary files", found, remedy),
        false => Check::ok("temporary files", found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OpenIn;
    use service::doctor::Verdict;

    fn files(bytes: u64, wal_bytes: u64, free: u64) -> DatabaseFiles {
        let disk = Disk {
            folder: "/data".into(),
            free,
            free_files: Some(1_000_000),
            kind: FileSystem::Local,
        };
        DatabaseFiles {
            path: "/data/s.db".into(),
            exists: true,
            bytes,
            wal_bytes,
            obstacle: None,
            user: 10001,
            owner: Some(10001),
            foreign: Vec::new(),
            open_to_all: Vec::new(),
            disk: Some(disk),
            changed_at: None,
            open_in: OpenIn::Nowhere,
        }
    }

    /// The worst check, its remedy included.
    fn worst(files: &DatabaseFiles) -> (Verdict, String) {
        let checks = file_checks(files).into_iter();
        let worst = checks.max_by_key(|check| check.verdict).expect("a check");
        (worst.verdict, worst.remedy.unwrap_or_default())
    }

    fn on(kind: FileSystem) -> DatabaseFiles {
        let mut files = files(MIB, 0, 1 << 40);
        files.disk = files.disk.map(|disk| Disk { kind, ..disk });
        files
    }

    #[test]
    fn too_little_space_is_named_before_it_is_none() {
        let few = |free_files| {
            let mut files = files(MIB, 0, 1 << 40);
            files.disk = files.disk.map(|disk| Disk { free_files, ..disk });
            files
        };
        for (files, verdict, remedy) in [
            (files(MIB, 0, 1 << 40), Verdict::Ok, ""),
            (files(1 << 30, 1 << 20, 1 << 30), Verdict::Warning, "server backup /OTHER/DISK"),
            (files(MIB, 0, 200 * MIB), Verdict::Warning, "free some space in /data"),
            (files(MIB, 0, 2 * MIB), Verdict::Failure, "free some space in /data"),
            (files(MIB, 600 * MIB, 1 << 40), Verdict::Warning, "end what reads the database"),
            (few(None), Verdict::Ok, ""),
            (few(Some(7)), Verdict::Failure, "df -i /data"),
        ] {
            let (found, shown) = worst(&files);
            assert!(found == verdict && shown.contains(remedy), "{found:?} {shown}");
        }
    }

    #[test]
    fn what_root_cannot_tell_is_not_said_to_be_well() {
        let mut files = files(MIB, 0, 1 << 40);
        files.user = ROOT;
        let (verdict, remedy) = worst(&files);
        assert!(verdict == Verdict::Unchecked && remedy.contains("as user 10001"), "{remedy}");
        files.owner = Some(ROOT);
        assert_eq!(worst(&files).0, Verdict::Ok);
        files.disk = None;
        let (verdict, remedy) = worst(&files);
        assert!(verdict == Verdict::Unchecked && remedy.contains("df"), "{remedy}");
    }

    #[test]
    fn where_a_database_is_lost_is_named() {
        for kind in [FileSystem::Network("NFS"), FileSystem::Memory, FileSystem::Overlay] {
            let (verdict, remedy) = worst(&on(kind));
            assert!(verdict == Verdict::Warning && remedy.contains("DATABASE_URL"), "{remedy}");
        }
    }

    #[test]
    fn files_that_all_may_change_are_named_with_chmod() {
        let mut files = files(MIB, 0, 1 << 40);
        files.open_to_all = vec![("/data".into(), 0o40777)];
        let (verdict, remedy) = worst(&files);
        assert!(verdict == Verdict::Warning && remedy.contains("chmod o-w /data"), "{remedy}");
    }

    #[test]
    fn files_of_another_user_are_named_with_chown() {
        let mut files = files(MIB, 0, 1 << 40);
        files.foreign = vec![("/data/s.db-wal".into(), 0, 10001)];
        let (verdict, remedy) = worst(&files);
        assert!(
            verdict == Verdict::Failure && remedy.contains("chown 10001 /data/s.db-wal"),
            "{remedy}"
        );
    }

    #[test]
    fn a_machine_without_temporary_files_is_named() {
        let none = temporary_among(vec!["/does/not/exist".into()]);
        assert!(
            none.verdict == Verdict::Failure && none.remedy.is_some_and(|it| it.contains("TMPDIR"))
        );
        let folder = tempfile::tempdir().expect("a folder");
        let some = temporary_among(vec!["/does/not/exist".into(), folder.path().to_owned()]);
        assert!(some.found.contains(&folder.path().display().to_string()), "{some:?}");
    }
}
