//! `server backup` and `server restaurar`, on real files.

mod command;
mod pipes;
mod race;
mod restored_ids;
mod rotation;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use domain::Moment;
use rusqlite::Connection;
use serde_json::json;
use server::store::{BackupError, Copied, RestoreError, Restored, back_up, restore};

use crate::running::{Home, Running};

pub(crate) const NOW: Moment = Moment::from_millis(1_790_000_000_000);
const NOW_IN_NAMES: &str = "20260921T141320Z";

pub(crate) fn save(home: &Path, to: &Path) -> Result<Copied, BackupError> {
    back_up(&database(home), "server1", to, NOW)
}

pub(crate) fn put_back(home: &Path, backup: &Path) -> Result<Restored, RestoreError> {
    restore(&database(home), "server1", backup, NOW, None)
}

pub(crate) fn database(home: &Path) -> PathBuf {
    home.join("data/server1.db")
}

pub(crate) fn kept(home: &Path) -> PathBuf {
    home.join(format!("data/server1.db.antes-{NOW_IN_NAMES}"))
}

fn names(path: &Path) -> Vec<String> {
    let file = Connection::open(path).expect("a database");
    let mut names = file.prepare("SELECT nome FROM postos ORDER BY id").expect("a query");
    let names = names.query_map([], |row| row.get(0)).expect("rows");
    names.collect::<Result<_, _>>().expect("names")
}

pub(crate) async fn add(server: &Running, nome: &str) {
    let answer = server.post("/postos", &json!({"nome": nome, "localizacao": "0,0"})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Every file beside the database, and its content.
fn contents(home: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(home.join("data")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<_> =
        paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_running_servidor_is_backed_up_and_does_not_notice() {
    let server = Running::fresh().await;
    let home = server.path().to_owned();
    add(&server, "Novo").await;
    let inode = || fs::metadata(database(&home)).expect("a file").ino();
    let before = inode();
    let to = home.join("backup.db");
    let copied = save(&home, &to).expect("a backup");
    assert_eq!((copied.path.as_path(), copied.summary.reservas), (to.as_path(), 0));
    assert_eq!(names(&to), ["Ponto 1", "Ponto 2", "Ponto 3", "Novo"]);
    let mode = fs::metadata(&to).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads it");
    assert_eq!(inode(), before);
    add(&server, "Mais um").await;
    let refused = save(&home, &to).expect_err("it exists");
    assert!(matches!(refused, BackupError::Exists { .. }), "{refused}");
    assert_eq!(names(&to).len(), 4, "the first backup is as it was");

    let folder = home.join("backups");
    fs::create_dir(&folder).expect("a folder");
    let copied = save(&home, &folder).expect("a backup");
    assert_eq!(copied.path, folder.join(format!("server1-{NOW_IN_NAMES}.db")));
    assert_eq!(names(&copied.path).len(), 5);
    server.stop().await;
}

#[tokio::test]
async fn a_stopped_servidor_is_backed_up_and_left_as_it_is() {
    let home = Running::fresh().await.stop().await;
    let before = contents(home.path());
    save(home.path(), &home.path().join("backup.db")).expect("a backup");
    assert!(contents(home.path()) == before, "the database has changed");
    assert_eq!(names(&home.path().join("backup.db")).len(), 3);
}

/// After it nothing is there that looks like a backup.
#[tokio::test]
async fn a_backup_that_fails_says_why_and_leaves_nothing() {
    let home = Running::fresh().await.stop().await;
    let path = home.path();
    let refused = |to: &str| save(path, &path.join(to)).expect_err(to).to_string();
    assert!(refused("missing/backup.db").ends_with("does not exist; make it, or name another one"));
    // A folder that nothing can be written to, also for root.
    let refusal = save(path, Path::new("/proc/backup.db")).expect_err("/proc").to_string();
    assert!(refusal.starts_with("the backup /proc/backup.db cannot be written: "), "{refusal}");
    let other = back_up(&home.database(), "server2", &path.join("other.db"), NOW);
    let other = other.expect_err("it is server1's").to_string();
    assert!(other.contains("SERVER_ID=server1"), "{other}");
    let none = back_up(&path.join("none.db"), "server1", &path.join("other.db"), NOW);
    assert!(matches!(none, Err(BackupError::NoDatabase { .. })), "{none:?}");
    let left = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
    let left: Vec<_> =
        left.filter(|path| path.extension().is_some_and(|kind| kind != "csv")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_backup_is_restored_and_what_it_replaces_is_kept() {
    let server = Running::fresh().await;
    let home = server.path().to_owned();
    let backup = home.join("backup.db");
    save(&home, &backup).expect("a backup");
    add(&server, "Depois").await;
    let refused = put_back(&home, &backup).expect_err("it runs");
    assert!(matches!(refused, RestoreError::Running { .. }), "{refused}");
    add(&server, "Ainda").await;
    let stopped = server.stop().await;

    let restored = put_back(&home, &backup).expect("it is stopped");
    let replaced = restored.replaced.expect("there was one");
    assert_eq!(replaced.path, kept(&home));
    assert_eq!(names(&kept(&home)).len(), 5);
    let server = stopped.start().await.expect("it starts");
    assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3]);
    add(&server, "De novo").await;
    let ids = server.get("/postos").await.column("postos", "id");
    assert_eq!(ids, [1, 2, 3, 6], "the ids of postos that are no more do not come back");
    server.stop().await;
}

/// After `kill -9` the newest commits are in the WAL only.
#[tokio::test]
async fn the_wal_of_a_killed_servidor_is_kept_with_its_database() {
    let server = Running::fresh().await;
    let home = server.path().to_owned();
    let backup = home.join("backup.db");
    save(&home, &backup).expect("a backup");
    add(&server, "Depois").await;
    let killed = tempfile::tempdir().expect("a folder");
    fs::create_dir(killed.path().join("data")).expect("a folder");
    for name in ["server1.db", "server1.db-wal"] {
        let from = home.join("data").join(name);
        fs::copy(from, killed.path().join("data").join(name)).expect("a copy");
    }
    let _home = server.stop().await;
    let restored = put_back(killed.path(), &backup).expect("nothing runs there");
    assert!(restored.replaced.expect("there was one").summary.is_some());
    assert_eq!(names(&kept(killed.path())).len(), 4);
    assert_eq!(names(&database(killed.path())).len(), 3);
}

#[tokio::test]
async fn what_is_no_backup_of_this_servidor_changes_nothing() {
    let home = Running::fresh().await.stop().await;
    let path = home.path();
    let good = path.join("good.db");
    save(path, &good).expect("a backup");
    let changed = |name: &str, sql: &str| {
        let copy = path.join(name);
        fs::copy(&good, &copy).expect("a copy");
        Connection::open(&copy).and_then(|file| file.execute_batch(sql)).expect("a change");
        copy
    };
    let cut = path.join("cut.db");
    let bytes = fs::read(&good).expect("a file");
    fs::write(&cut, &bytes[..bytes.len() / 2]).expect("a file");
    let text = path.join("text.db");
    fs::write(&text, "minhas anotações, que não são um banco de dados").expect("a file");
    let before = contents(path);
    for (backup, reason) in [
        (changed("other.db", "UPDATE owner SET server_id = 'server2'"), "SERVER_ID=server2"),
        (
            changed("newer.db", "UPDATE _sqlx_migrations SET version = 99 WHERE version = 1"),
            "newer release",
        ),
        (changed("foreign.db", "DROP TABLE postos"), "not a database of a servidor"),
        (cut, "cannot be restored"),
        (text, "not a database of a servidor"),
        (path.join("missing.db"), "does not exist"),
        (home.database(), "is the database itself"),
    ] {
        let refusal = put_back(path, &backup).expect_err(reason).to_string();
        assert!(refusal.contains(reason), "{}: {refusal}", backup.display());
        assert!(contents(path) == before, "{} has changed something", backup.display());
    }
}

#[tokio::test]
async fn a_damaged_database_is_replaced_and_kept() {
    for damage in ["text", "middle", "removed"] {
        let home = Running::fresh().await.stop().await;
        let path = home.path();
        let backup = path.join("backup.db");
        save(path, &backup).expect("a backup");
        let mut bytes = fs::read(home.database()).expect("a file");
        match damage {
            "middle" => {
                bytes[100..4096].fill(0xA5);
                fs::write(home.database(), &bytes).expect("a file");
            }
            "text" => fs::write(home.database(), "nada").expect("a file"),
            _ => fs::remove_file(home.database()).expect("it is removed"),
        }
        let restored = put_back(path, &backup);
        if damage == "text" {
            // It may be another program's: nobody is asked to lose that.
            let refusal = restored.expect_err("a text").to_string();
            assert!(refusal.contains("move it away"), "{refusal}");
            continue;
        }
        let replaced = restored.expect(damage).replaced;
        assert_eq!(replaced.is_some(), damage == "middle");
        let server = home.start().await.expect("it starts");
        // Nobody knows which ids were given since the backup.
        add(&server, "Novo").await;
        let ids = server.get("/postos").await.column("postos", "id");
        assert_eq!(ids, [1, 2, 3, 10_004], "{damage}");
        server.stop().await;
    }
}

#[test]
fn a_database_that_is_only_begun_is_no_backup() {
    let home = Home::new();
    fs::create_dir_all(home.path().join("data")).expect("a folder");
    let empty = home.path().join("empty.db");
    fs::write(&empty, "").expect("a file");
    let refusal = put_back(home.path(), &empty).expect_err("it is empty").to_string();
    assert!(refusal.contains("it has no tables"), "{refusal}");
}

/// Each in a thread of its own, the second a little later; what each answered.
pub(crate) fn both<T: Send>(delay: u64, run: impl Fn(usize) -> T + Sync) -> [T; 2] {
    std::thread::scope(|scope| {
        let run = &run;
        let second = scope.spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(delay));
            run(1)
        });
        [run(0), second.join().expect("it ends")]
    })
}

#[tokio::test]
async fn of_two_restores_at_once_none_is_reported_that_is_not_there() {
    let server = Running::fresh().await;
    let backups = [server.path().join("a.db"), server.path().join("b.db")];
    save(server.path(), &backups[0]).expect("a backup");
    add(&server, "Mais um").await;
    save(server.path(), &backups[1]).expect("a backup");
    let source = server.stop().await;
    for has_old in [false, true] {
        for delay in [0, 1, 2, 4, 8, 16] {
            let home = tempfile::tempdir().expect("a folder");
            let home = home.path();
            fs::create_dir(home.join("data")).expect("a folder");
            if has_old {
                fs::copy(source.database(), database(home)).expect("a copy");
            }
            let outcomes = both(delay, |which| put_back(home, &backups[which]));
            let shown = format!("{has_old} {delay}: {outcomes:?}");
            let found = names(&database(home)).len();
            let reported = outcomes.iter().zip([3, 4]).filter(|(outcome, _)| outcome.is_ok());
            let reported: Vec<_> = reported.map(|(_, postos)| postos).collect();
            // Each may have kept the other out of the old one, which is then as it was.
            let neither = reported.is_empty() && has_old && found == 4;
            assert!(neither || reported.contains(&found), "{found} postos, {shown}");
            let left = fs::read_dir(home.join("data")).expect("a folder");
            let left = left.map(|entry| entry.expect("an entry").file_name());
            let kept = left.filter(|name| name.to_string_lossy().contains(".antes-")).count();
            let replaced = outcomes.iter().flatten().filter(|done| done.replaced.is_some());
            assert_eq!(kept, replaced.count(), "{shown}");
        }
    }
}

#[tokio::test]
async fn two_backups_at_once_are_two_files_or_one() {
    let home = Running::fresh().await.stop().await;
    let folder = home.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    for copied in both(0, |_| save(home.path(), &folder)) {
        assert_eq!(names(&copied.expect("a backup").path).len(), 3);
    }
    let files = |folder: &Path| fs::read_dir(folder).expect("a folder").count();
    assert_eq!(files(&folder), 2);
    let to = home.path().join("one.db");
    let made = both(0, |_| save(home.path(), &to)).into_iter().filter(Result::is_ok).count();
    assert_eq!((made, names(&to).len()), (1, 3));
    for suffix in ["-wal", "-shm", "-journal"] {
        let own = home.path().join(format!("data/server1.db{suffix}"));
        let refused = save(home.path(), &own).expect_err("its own file");
        assert!(matches!(refused, BackupError::OwnFile { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_link_to_where_the_database_will_be_stays() {
    let home = Running::fresh().await.stop().await;
    let backup = home.path().join("backup.db");
    save(home.path(), &backup).expect("a backup");
    let other = tempfile::tempdir().expect("a folder");
    fs::create_dir(other.path().join("volume")).expect("a folder");
    fs::create_dir(other.path().join("data")).expect("a folder");
    let link = database(other.path());
    std::os::unix::fs::symlink("../volume/server1.db", &link).expect("a link");
    put_back(other.path(), &backup).expect("it is restored");
    assert!(link.symlink_metadata().expect("a link").is_symlink());
    assert_eq!(names(&other.path().join("volume/server1.db")).len(), 3);
    let refused = put_back(other.path(), home.path()).expect_err("a folder").to_string();
    assert!(refused.contains("is no file"), "{refused}");
}
