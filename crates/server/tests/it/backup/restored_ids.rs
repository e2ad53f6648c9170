//! Ids after a restore, whatever it replaced.

use std::fs;
use std::path::Path;

use crate::backup::{add, database, kept, put_back, save};
use crate::running::{Home, Running};

/// A servidor that has one posto of its own, its backup with four, and one posto more since.
async fn backed_up(path: &Path) -> Home {
    let server = Running::fresh().await;
    add(&server, "Novo").await;
    save(server.path(), path).expect("a backup");
    add(&server, "Depois").await;
    server.stop().await
}

/// The id of the next posto after a restore.
async fn next_id(home: Home, backup: &Path) -> i64 {
    put_back(home.path(), backup).expect("it is restored");
    let server = home.start().await.expect("it starts");
    add(&server, "De novo").await;
    let ids = server.get("/postos").await.column("postos", "id");
    assert_eq!(ids[..4], [1, 2, 3, 4]);
    server.stop().await;
    ids[4].as_i64().expect("an id")
}

/// A database that is no later state of the backup gets some postos, and is replaced by it.
async fn are_left_out(home: Home, postos_since: i64, backup: &Path) {
    let server = home.start().await.expect("it starts");
    for number in 0..postos_since {
        add(&server, &format!("Outro {number}")).await;
    }
    let home = server.stop().await;
    let expected = 10_001 + i64::max(4, 3 + postos_since);
    assert_eq!(next_id(home, backup).await, expected);
}

#[tokio::test]
async fn ids_go_on_after_a_later_state_of_the_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup.db");
    let home = backed_up(&backup).await;
    assert_eq!(next_id(home, &backup).await, 6);
}

/// The volume was lost, and a supervisor has started the servidor before anybody restored.
#[tokio::test]
async fn ids_are_left_out_where_the_database_was_made_anew() {
    for postos_since in [0, 4] {
        let folder = tempfile::tempdir().expect("a folder");
        let backup = folder.path().join("backup.db");
        let home = backed_up(&backup).await;
        fs::remove_file(home.database()).expect("it is lost");
        are_left_out(home, postos_since, &backup).await;
    }
}

/// It may have gone further than the backup since.
#[tokio::test]
async fn ids_are_left_out_where_an_older_file_was_put_there_by_hand() {
    for postos_since in [0, 3] {
        let folder = tempfile::tempdir().expect("a folder");
        let backup = folder.path().join("backup.db");
        let older = folder.path().join("older.db");
        let server = Running::fresh().await;
        save(server.path(), &older).expect("a copy");
        add(&server, "Novo").await;
        save(server.path(), &backup).expect("a backup");
        add(&server, "Depois").await;
        let home = server.stop().await;
        fs::copy(&older, home.database()).expect("it is put there");
        are_left_out(home, postos_since, &backup).await;
    }
}

/// SQLite would write its pages into the restored database.
#[tokio::test]
async fn a_journal_of_before_goes_with_the_database_that_it_is_of() {
    for is_removed in [true, false] {
        let home = Running::fresh().await.stop().await;
        let backup = home.path().join("backup.db");
        save(home.path(), &backup).expect("a backup");
        let beside = database(home.path()).with_extension("db-journal");
        fs::write(&beside, "pages").expect("a file");
        if is_removed {
            fs::remove_file(home.database()).expect("it is removed");
        } else {
            let mut bytes = fs::read(home.database()).expect("a file");
            bytes[100..4096].fill(0xA5);
            fs::write(home.database(), &bytes).expect("a file");
        }
        put_back(home.path(), &backup).expect("it is restored");
        assert!(!beside.exists());
        let mut kept = kept(home.path()).into_os_string();
        kept.push("-journal");
        assert_eq!(fs::read(kept).expect("it is kept"), b"pages");
    }
}
