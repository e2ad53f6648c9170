//! `server backup` and `server doctor` beside a servidor that is just starting.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use server::store::{Integrity, examine_contents};

use crate::backup::{database, save};
use crate::running::{Home, Running};

/// Larger than what SQLite keeps of it in memory, and slow to check.
const PAGES: &str = "CREATE TABLE pages (id INTEGER PRIMARY KEY, version INTEGER, filler BLOB);
    WITH RECURSIVE page(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM page WHERE n < 4000)
    INSERT INTO pages SELECT n, 0, randomblob(4000) FROM page;
    CREATE INDEX pages_by_filler ON pages (filler);";
/// The first page and the last one in one transaction; then they are in the file itself.
const CHANGE: &str = "UPDATE pages SET version = version + 1 WHERE id IN (1, 4000);
    PRAGMA wal_checkpoint(TRUNCATE);";
/// Pages get another use.
const REUSE: &str = "BEGIN; DELETE FROM pages WHERE id > 3900;
    INSERT INTO pages SELECT id + 4000, version, filler FROM pages WHERE id <= 100; COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);
    UPDATE pages SET id = id - 100 WHERE id > 4000;";

/// Waits until some of the copy is written.
fn is_being_copied(folder: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut sizes = entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len());
        if sizes.any(|size| size > 0) {
            return true;
        }
    }
    false
}

/// A stopped servidor's database.
async fn with_pages() -> (Home, PathBuf) {
    let home = Running::fresh().await.stop().await;
    let path = database(home.path());
    Connection::open(&path).and_then(|file| file.execute_batch(PAGES)).expect("pages");
    (home, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_what_is_opened_meanwhile_is_of_one_moment() {
    let (home, path) = with_pages().await;
    for round in 0..6 {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let copied = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                assert!(is_being_copied(folder));
                let other = Connection::open(&path).expect("the database");
                other.execute_batch(CHANGE).expect("a change");
                // Every other one stays open, as a servidor does.
                if round % 2 == 0 {
                    std::thread::sleep(Duration::from_millis(300));
                }
            });
            let copied = save(home.path(), folder).expect("a backup");
            other.join().expect("it ends");
            copied
        });
        let copy = Connection::open(&copied.path).expect("the copy");
        let versions = "SELECT min(version), max(version) FROM pages WHERE id IN (1, 4000)";
        let (first, last): (i64, i64) =
            copy.query_row(versions, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("versions");
        assert_eq!(first, last, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_opened_while_it_is_examined_is_not_called_damaged() {
    let (_home, path) = with_pages().await;
    for round in 0..6 {
        let examined = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(5 * round));
                let other = Connection::open(&path).expect("the database");
                other.execute_batch(REUSE).expect("a change");
            });
            examine_contents(&path, "server1", None)
        });
        let examined = examined.expect("it is read").integrity;
        assert_eq!(examined, Integrity::Whole, "round {round}");
    }
}
