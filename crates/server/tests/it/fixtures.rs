//! Databases of released versions: that there is one of each, and what is said of one that is cut
//! short or too new. What they hold is checked over MQTT and HTTP, in `suite`.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rusqlite::Connection;

use crate::command_line::{ended, program};
use crate::running::Home;

/// Migrations that no release has ended with: they are published together with a later one.
const INSIDE_A_RELEASE: [i64; 5] = [1, 2, 4, 5, 10];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn unpacked(name: &str) -> Vec<u8> {
    let file = fs::File::open(folder("tests/fixtures").join(name)).expect(name);
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).expect(name);
    bytes
}

/// A home with the database of a released schema, as its servidor leaves it when it stops.
fn stopped(schema: i64) -> Home {
    let home = Home::new();
    fs::create_dir(home.path().join("data")).expect("a folder");
    let database = home.database();
    for suffix in ["", "-wal"] {
        let bytes = unpacked(&format!("schema-{schema}.sqlite{suffix}.gz"));
        fs::write(format!("{}{suffix}", database.display()), bytes).expect("a file");
    }
    let opened = Connection::open(&database).expect("a database");
    opened.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    home
}

fn version(database: &Path) -> i64 {
    let opened = Connection::open(database).expect("a database");
    let newest = "SELECT max(version) FROM _sqlx_migrations";
    opened.query_row(newest, [], |row| row.get(0)).expect("a version")
}

fn migrations() -> Vec<i64> {
    let entries = fs::read_dir(folder("migrations")).expect("migrations");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut versions: Vec<i64> = entries
        .map(|entry| name(entry).into_string().expect("UTF-8")[..4].parse().expect("a version"))
        .collect();
    versions.sort_unstable();
    versions
}

/// Who adds a migration first makes the fixture of the schema before it, unless no release ends
/// there.
#[test]
fn there_is_a_database_of_each_released_schema() {
    let versions = migrations();
    let (_newest, before) = versions.split_last().expect("migrations");
    for schema in before.iter().filter(|schema| !INSIDE_A_RELEASE.contains(schema)) {
        let fixture = folder("tests/fixtures").join(format!("schema-{schema}.sqlite.gz"));
        assert!(fixture.exists(), "run crates/server/tests/fixtures/make.sh: schema {schema}");
        assert_eq!(version(&stopped(*schema).database()), *schema);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_database_that_is_cut_short_or_too_new_is_refused_with_one_line() {
    for schema in [3, 6, 7, 8, 9, 11, 12] {
        let home = stopped(schema);
        let whole = fs::read(home.database()).expect("a file");
        for cut in [2, 3, 10] {
            let bytes = &whole[..whole.len() / cut];
            fs::write(home.database(), bytes).expect("a file");
            let (status, _, reason) = ended(program(&home, "127.0.0.1:0")).await;
            let shown = format!("schema {schema}, cut to 1/{cut}: {reason}");
            assert!(status == Some(2) && reason.lines().count() == 1, "{shown}");
            assert!(reason.contains("data/server1.db") && reason.contains("damaged"), "{shown}");
            assert!(fs::read(home.database()).expect("a file") == bytes, "{shown}: it has changed");
        }
        fs::write(home.database(), &whole).expect("a file");
        let opened = Connection::open(home.database()).expect("a database");
        let later = "INSERT INTO _sqlx_migrations
            SELECT 9999, 'later', installed_on, 1, checksum, 0 FROM _sqlx_migrations LIMIT 1";
        opened.execute(later, []).expect("a later migration");
        drop(opened);
        let (status, _, reason) = ended(program(&home, "127.0.0.1:0")).await;
        let newer = "a newer release of the servidor has used it (schema 9999)";
        assert!(status == Some(2) && reason.contains(newer), "{reason}");
        assert_eq!(reason.lines().count(), 1, "{reason}");
    }
}
