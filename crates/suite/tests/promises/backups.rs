//! `server restaurar` that is killed on the way.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::harness::{FAILPOINTS_SERVER, World, payload, run_subcommand};

/// In the order in which `server restaurar` reaches them, and whether the new database is there.
const POINTS: [(&str, bool); 3] =
    [("RestoreWritten", false), ("RestoreKept", false), ("RestoreReplaced", true)];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    for (point, is_new) in POINTS {
        let world = World::on_mosquitto().await;
        let folder = world.folder().to_owned();
        let (server, client) = world.pair().await;
        let backup = folder.join("backup.db").display().to_string();
        let set = [("SERVER_ID", "server1"), ("CRASH_AT", point)];
        let run = async |program, arguments: &[&str]| {
            run_subcommand(program, &folder, arguments, set).await
        };
        let made = run("server", &["backup", &backup]).await;
        assert!(made.status.success(), "{made:?}");
        let answer = client.reservar(&payload("AAA0001", 1)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        // Its last commit is in the WAL only.
        server.kill().await;

        let killed = run(FAILPOINTS_SERVER, &["restaurar", &backup]).await;
        assert!(!killed.status.success(), "{point}: {killed:?}");
        // Before the servidor runs: the broker may deliver the command once more.
        assert_eq!(reservas(&world.database("server1")), i64::from(!is_new), "{point}");
        let server = world.server("server1").await;
        let refused = run("server", &["restaurar", &backup]).await;
        let reason = String::from_utf8_lossy(&refused.stderr);
        assert!(reason.contains("stop the servidor, then restore"), "{point}: {reason}");
        assert!(server.stop().await.success());

        // The names of what is kept have seconds in them.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let again = run("server", &["restaurar", &backup]).await;
        assert!(again.status.success(), "{point}: {again:?}");
        let server = world.server("server1").await;
        server.ready().await;
        assert_eq!(reservas(&world.database("server1")), 0, "{point}");
    }
}

fn reservas(database: &Path) -> i64 {
    let database = Connection::open(database).expect("a database");
    let count = "SELECT count(*) FROM all_reservas";
    database.query_row(count, [], |row| row.get(0)).expect("a count")
}
