//! What is wrong with a database, its files and their disk.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use protocol::Timestamp;
use rusqlite::Connection;

use super::{asked, doctor, mode, stopped};
use crate::command_line::{NOWHERE, as_user, data, ended, mounted, program};
use crate::running::{Home, Running};
use crate::store::upgrade::old_file;
use crate::support::TestStore;

fn change(home: &Home, sql: &str) {
    let connection = Connection::open(home.database()).expect("the database");
    connection.execute_batch(sql).expect(sql);
}

fn beside(home: &Home, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", home.database().display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_this_servidors_is_named_as_a_start_does() {
    let home = stopped().await;
    let said = doctor(&home, &[("SERVER_ID", "server2")]).await;
    said.assert(
        "database",
        "schema",
        "failure",
        "server2 cannot use",
        "it holds the data of server1",
    );
    change(&home, "INSERT INTO _sqlx_migrations VALUES (999, 'later', 0, 1, x'00', 0)");
    let said = doctor(&home, &[]).await;
    said.assert("database", "schema", "failure", "cannot use", "run that one");
    fs::write(home.database(), "no database, but a text that is long enough").expect("a file");
    let said = doctor(&home, &[]).await;
    said.assert(
        "database",
        "schema",
        "failure",
        "cannot use",
        "move it away, or name another file",
    );
    let none = doctor(&Home::new(), &[]).await;
    none.assert("database", "schema", "warning", "there is none at", "correct DATABASE_URL");
}

/// Everything else is well then, and the token has not been made yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_postos_that_keeps_the_first_start_from_completing_is_named() {
    let home = Home::new();
    let csv = home.path().join("postos.csv");
    fs::write(&csv, "id,nome,latitude,longitude,status\n1,Ponto 1,91,0,disponivel\n")
        .expect("a file");
    let set = [("POSTOS_CSV", "postos.csv")];
    let mut start = program(&home, NOWHERE);
    start.envs(set).env("HTTP_ADDR", "127.0.0.1:0");
    assert_eq!(ended(start).await.0, Some(2), "the start refuses it");
    let said = doctor(&home, &set).await;
    said.assert("database", "postos", "failure", "a start refuses postos.csv", "latitude");
    said.assert("access", "token", "ok", "the next start makes one in", "");
    assert_eq!(said.status, Some(1));
    fs::write(&csv, "id,nome,latitude,longitude,status\n1,Ponto 1,-23,-46,disponivel\n")
        .expect("a file");
    doctor(&home, &set).await.assert("database", "postos", "ok", "imports 1 from postos.csv", "");
    fs::remove_file(&csv).expect("it is there");
    let said = doctor(&home, &set).await;
    said.assert("database", "postos", "failure", "a start refuses postos.csv", "");
    let said = doctor(&home, &[]).await;
    said.assert("database", "postos", "warning", "there are none", "POST /postos/importar");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_file_is_named_with_the_backup_that_comes_before_its_migration() {
    let folder = old_file(8, "INSERT INTO owner VALUES (1, 'server1')").await;
    let url = format!("sqlite:///{}", TestStore::file(folder.path()).display());
    let said = doctor(&Home::new(), &[("DATABASE_URL", &url)]).await;
    said.assert("database", "schema", "warning", "schema 8", "server backup DEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_named_with_the_way_back() {
    for (table, name, found) in [
        ("reservas_by_posto", "integrity", "it is damaged: "),
        ("owner", "schema", "server1 cannot use"),
    ] {
        let home = stopped().await;
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        let connection = Connection::open(home.database()).expect("the database");
        let root: i64 = connection.query_row(root, [table], |row| row.get(0)).expect("its page");
        drop(connection);
        let root = usize::try_from(root).expect("a page");
        let mut bytes = fs::read(home.database()).expect("the file");
        bytes[(root - 1) * 4096..root * 4096].fill(0x5A);
        fs::write(home.database(), bytes).expect("the file");
        let said = doctor(&home, &[]).await;
        said.assert("database", name, "failure", found, "server restaurar ORIGEM");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_is_found_by_a_complete_check() {
    let home = stopped().await;
    change(
        &home,
        "DROP TRIGGER reservas_never_overlap_on_insert;
         PRAGMA foreign_keys = OFF;
         INSERT INTO reservas (posto_id, inicio, fim, status, created_at, updated_at) VALUES
            (1, 1000, 3000, 'ativa', 0, 0), (1, 2000, 4000, 'ativa', 0, 0),
            (1, 4000, 5000, 'ativa', 0, 0), (99, 1000, 2000, 'ativa', 0, 0);
         INSERT INTO archived_carregamentos
            (id, posto_id, inicio, preco_kwh, fim, energia_fornecida, custo)
         VALUES (7, 1, 1000, 2, 2000, 1, 2);
         INSERT INTO carregamentos (id, posto_id, inicio, preco_kwh, fim, energia_fornecida, custo)
         VALUES (7, 1, 1000, 2, 2000, 1, 2);",
    );
    let quick = doctor(&home, &[]).await;
    assert_eq!(quick.check("database", "integrity").0, "ok");
    let said = asked(program(&home, NOWHERE), &["--completo"]).await;
    let found = "1 reservas hold a posto that another holds, 1 rows refer to nothing, \
                 1 are archived and are not";
    said.assert("database", "promises", "failure", found, "find out what else has written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_database_may_contradict_the_clock_or_be_due() {
    let home = stopped().await;
    let ahead = service::now().as_millis() + 3_600_000;
    change(
        &home,
        &format!("UPDATE writer_probe SET at = {ahead}; INSERT INTO vacuum_due (id) VALUES (1)"),
    );
    let said = doctor(&home, &[]).await;
    said.assert("clock", "clock", "failure", "the last write in the database is of", "timedatectl");
    said.assert(
        "database",
        "forgotten",
        "warning",
        "may still be in free pages",
        "twice the space",
    );
}

/// As after another program has changed the mode of a servidor's file.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_open_without_a_wal_is_named() {
    let home = stopped().await;
    let connection = Connection::open(home.database()).expect("the database");
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).expect("it is changed");
    assert_eq!(doctor(&home, &[]).await.check("database", "journal").0, "ok", "as after a restore");
    connection.execute_batch("BEGIN; SELECT count(*) FROM postos").expect("it is read");
    let said = doctor(&home, &[]).await;
    said.assert("database", "journal", "warning", "has no WAL", "if it is the servidor");
    let server = Running::fresh().await;
    let said = asked(program(&home, &server.addr.to_string()), &[]).await;
    said.assert("database", "journal", "failure", "has no WAL", "restart the servidor");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_recent_backup_is_named() {
    let home = stopped().await;
    let said = doctor(&home, &[]).await;
    said.assert("database", "backup", "warning", "is recorded", "server backup DEST");
    let mut backup = program(&home, NOWHERE);
    backup.args(["backup", "backup.db"]);
    let (status, _, reason) = ended(backup).await;
    assert_eq!(status, Some(0), "{reason}");
    assert_eq!(doctor(&home, &[]).await.check("database", "backup").0, "ok");
    let file = beside(&home, ".ultimo-backup");
    let last = fs::read(&file).expect("it is recorded");
    let mut last: serde_json::Value = serde_json::from_slice(&last).expect("JSON");
    let hours = |hours: i64| Timestamp::clamped(service::now().as_millis() + hours * 3_600_000);
    for (at, verdict, found, remedy) in [
        (hours(-47), "ok", "the last one is of", ""),
        (hours(-73), "warning", "3 days ago", "its log says why it fails"),
        (hours(1), "ok", "the last one is of", ""),
    ] {
        last["quando"] = at.to_string().into();
        fs::write(&file, last.to_string()).expect("a file");
        let said = doctor(&home, &[]).await;
        said.assert("database", "backup", verdict, found, remedy);
        // The last of these is of later than now.
        let clock = if at > service::now() { "failure" } else { "ok" };
        assert_eq!(said.check("clock", "clock").0, clock, "{at}");
    }
}

/// The token of a database whose rows were not read cannot be compared with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_compared_is_not_said_to_be_well() {
    let folder = old_file(8, "INSERT INTO owner VALUES (1, 'server1')").await;
    let file = TestStore::file(folder.path());
    let token = format!("{}.token", file.display());
    fs::write(token, "posto_another_token_of_nobody").expect("a file");
    let url = format!("sqlite:///{}", file.display());
    let said = doctor(&Home::new(), &[("DATABASE_URL", &url)]).await;
    said.assert("access", "token", "unchecked", "was not read", "`database` say why");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_written_are_named_with_user_and_remedy() {
    let home = stopped().await;
    let closed = home.database().parent().expect("a folder").to_owned();
    let said = asked(as_user(&home, &closed), &[]).await;
    let remedy = format!("may not write to {}", fs::canonicalize(&closed).expect("it").display());
    said.assert("disk", "files", "failure", "nothing can be written at", &remedy);
    mode(&home.database(), 0o000);
    let said = asked(as_user(&home, &closed), &[]).await;
    said.assert("database", "schema", "failure", "server1 cannot use", "as root: chown ");
    mode(&home.database(), 0o644);
    said.assert("program", "database", "unchecked", "who has the database open", "as the user of");
    let command = as_user(&home, &closed);
    mode(&closed, 0o600);
    let said = asked(command, &[]).await;
    said.assert("database", "schema", "unchecked", "whether there is one", "the lines of `disk`");
    mode(&closed, 0o777);
    let said = doctor(&home, &[]).await;
    let remedy = format!("chmod o-w {}", fs::canonicalize(&closed).expect("it").display());
    said.assert("disk", "files", "warning", "every user of this machine may change", &remedy);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: gives files to another user"]
async fn a_file_of_another_user_is_named_with_chown() {
    let server = Running::fresh().await;
    let wal = beside(server.home(), "-wal");
    std::os::unix::fs::chown(&wal, Some(10001), None).expect("root");
    let said = doctor(server.home(), &[]).await;
    let remedy = format!("chown 0 {}", fs::canonicalize(&wal).expect("it is there").display());
    said.assert(
        "disk",
        "files",
        "failure",
        "belongs to user 10001, and the database to 0",
        &remedy,
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts a file system"]
async fn a_disk_that_is_small_or_in_memory_is_named() {
    let home = Home::new();
    mounted(&data(&home), "size=2m,nr_inodes=9");
    let said = doctor(&home, &[]).await;
    let folder = home.database().parent().expect("a folder").to_owned();
    let unmounted = Command::new("umount").arg(&folder).status();
    assert!(unmounted.expect("umount runs").success());
    let remedy = format!("free some space in {}", folder.display());
    let checks = said.report["checks"].as_array().expect("checks");
    let has = |verdict: &str, remedy: &str| {
        checks.iter().any(|check| {
            check["group"] == "disk"
                && check["verdict"] == verdict
                && check["remedy"].as_str().is_some_and(|text| text.contains(remedy))
        })
    };
    assert!(has("failure", &remedy) && has("failure", "df -i "), "{checks:#?}");
    said.assert("disk", "file system", "warning", "in memory", "on a local disk");
}
