//! `DATABASE_URL` names a file that is not this servidor's: it is refused, and nothing in it changes.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use server::Server;
use server::store::DatabaseUrl;

use crate::running::{Home, POSTOS, Running};

/// The files of a folder by name. The shared memory is SQLite's cache and holds no data.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    let named = paths.map(|path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("a file"))
    });
    named.filter(|(name, _)| !name.ends_with("-shm")).collect()
}

/// Starts on a file that `sql` has made or changed; what the operator reads.
async fn refused(home: &Home, sql: &str, in_wal: bool) -> String {
    let path = home.database();
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let database = Connection::open(&path).expect("a database");
    database.execute_batch(sql).expect("it is written");
    // As after a crash: what was written last is in the WAL only.
    let left = in_wal.then(|| {
        let wal = path.with_extension("db-wal");
        [(path.clone(), std::fs::read(&path)), (wal.clone(), std::fs::read(wal))]
    });
    drop(database);
    for (path, bytes) in left.into_iter().flatten() {
        std::fs::write(path, bytes.expect("a file")).expect("a file");
    }
    let folder = path.parent().expect("a folder");
    let before = contents(folder);
    let started = Server::start(home.config()).await;
    let error = started.err().expect("it is refused").to_string();
    assert!(before == contents(folder), "the files have changed, {sql}");
    assert!(error.contains(&path.display().to_string()), "{error}");
    error
}

#[tokio::test]
async fn the_database_of_another_program_is_left_as_it_is() {
    for (mode, in_wal) in [("DELETE", false), ("WAL", false), ("WAL", true)] {
        let home = Home::new();
        let sql = format!(
            "PRAGMA journal_mode = {mode}; CREATE TABLE notes (text); CREATE TABLE postos (id);"
        );
        let error = refused(&home, &sql, in_wal).await;
        assert!(error.contains("notes"), "{mode}: {error}");
    }
}

#[tokio::test]
async fn the_database_of_another_servidor_is_left_as_it_is() {
    for in_wal in [false, true] {
        let home = Running::fresh().await.stop().await;
        let sql = "PRAGMA journal_mode = WAL; UPDATE owner SET server_id = 'server2';";
        let error = refused(&home, sql, in_wal).await;
        assert!(error.contains("SERVER_ID=server2"), "{error}");
    }
}

#[tokio::test]
async fn the_database_of_a_newer_release_is_left_as_it_is() {
    let home = Running::fresh().await.stop().await;
    let sql = "INSERT INTO _sqlx_migrations VALUES (99, 'new', '2030-01-01', 1, x'00', 1);";
    let error = refused(&home, sql, false).await;
    assert!(error.contains("a newer release") && error.contains("99"), "{error}");
}

/// SQLite removes a WAL that it finds beside no database, or beside an empty one.
#[tokio::test]
async fn a_wal_without_its_database_is_left_as_it_is() {
    let home = Running::fresh().await.stop().await;
    let path = home.database();
    let wal = path.with_extension("db-wal");
    let connection = Connection::open(&path).expect("a database");
    let sql = "PRAGMA journal_mode = WAL; UPDATE postos SET nome = 'Committed' WHERE id = 1;";
    connection.execute_batch(sql).expect("it is written");
    // As after a crash: what was committed last is in the WAL only.
    let (database, committed) = (std::fs::read(&path), std::fs::read(&wal));
    drop(connection);
    std::fs::write(&wal, committed.expect("a WAL")).expect("a file");
    for is_there in [false, true] {
        let _ = std::fs::remove_file(&path);
        if is_there {
            std::fs::write(&path, b"").expect("a file");
        }
        let folder = path.parent().expect("a folder");
        let before = contents(folder);
        let error = Server::start(home.config()).await.err().expect("it is refused").to_string();
        assert!(error.contains(&wal.display().to_string()), "{error}");
        assert!(before == contents(folder), "the files have changed");
    }
    std::fs::write(&path, database.expect("a database")).expect("a file");
    let home = home.start().await.expect("it starts").stop().await;
    let connection = Connection::open(&path).expect("a database");
    let sql = "SELECT nome FROM postos WHERE id = 1";
    let nome: String = connection.query_row(sql, [], |row| row.get(0)).expect("a posto");
    assert_eq!(nome, "Committed");
    drop(home);
}

#[tokio::test]
async fn a_path_with_any_characters_is_opened() {
    let home = Home::with_postos(POSTOS);
    for name in ["50%#.db", "posto é aqui.db", "a b&c=d.db", "%41.db"] {
        let mut config = home.config();
        config.database_url = DatabaseUrl::from_path(home.path().join(name));
        // The file is inspected at the second start.
        for _ in 0..2 {
            let server = Server::start(config.clone()).await.expect("it opens");
            server.run_until(std::future::ready(())).await.expect("it stops");
        }
        assert!(home.path().join(name).exists(), "{name}");
    }
}
