use prometheus_client::registry::Registry;
use rusqlite::OpenFlags;

use super::*;

/// A database to which pages can be added.
fn filler(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             PRAGMA synchronous = OFF; CREATE TABLE filler (page BLOB)",
        )
        .expect("a schema");
    connection
}

fn fill(connection: &Connection, pages: i64) {
    let sql = "INSERT INTO filler
        WITH RECURSIVE page(number) AS
            (SELECT 1 UNION ALL SELECT number + 1 FROM page WHERE number < ?)
        SELECT zeroblob(4000) FROM page";
    connection.execute(sql, [pages]).expect("a batch");
}

#[test]
fn each_pass_is_synced_and_what_was_written_meanwhile_is_checkpointed_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server1.db");
    let (writing, checkpointing) = (filler(&path), Connection::open(&path).expect("another"));
    let pass_with = |meanwhile: &[i64]| {
        fill(&writing, 1_000);
        let mut syncs = 0;
        let checkpointed = checkpoint_until_few_are_left(&checkpointing, || {
            meanwhile.get(syncs).into_iter().for_each(|pages| fill(&writing, *pages));
            syncs += 1;
            Ok(())
        });
        checkpointed.expect("checkpoints");
        (syncs, pages_to_checkpoint(&writing).expect("a number of pages"))
    };
    assert_eq!(pass_with(&[]), (1, 0));
    assert_eq!(pass_with(&[400, 200]), (3, 0));
    let (syncs, left) = pass_with(&[400, LEFT_PAGES / 2, 400]);
    assert!(syncs == 2 && (1..=LEFT_PAGES).contains(&left), "{left} left after {syncs}");
    let (syncs, left) = pass_with(&[400; 9]);
    assert!(syncs == 2 && left >= 400, "the writer is as fast: {left} left after {syncs}");
    let no_disk = || Err(io::Error::other("as the test wants it"));
    let failed = checkpoint_until_few_are_left(&checkpointing, no_disk);
    assert!(matches!(failed, Err(StoreError::NotSynced(_))), "{failed:?}");
}

/// One whose thread is the test, which sends the results of checkpoints.
fn in_state(state: CheckpointState, path: &Path) -> (Checkpointer, Sender<Result<(), StoreError>>) {
    let (requests, _) = channel();
    let (sender, results) = channel();
    let thread = std::thread::spawn(|| ());
    let database = Arc::new(File::open(path).expect("the file"));
    let metrics = Arc::new(StoreMetrics::new(&mut Registry::default()));
    let (is_held, may_have_written) = (false, false);
    let checkpointer = Checkpointer {
        thread,
        requests,
        results,
        state,
        database,
        metrics,
        is_held,
        may_have_written,
    };
    (checkpointer, sender)
}

#[test]
fn a_thread_that_cannot_keep_up_is_waited_for_and_one_that_fails_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server1.db");
    let connection = filler(&path);
    let pages = || pages_to_checkpoint(&connection).expect("a number of pages");
    let (mut slow, sender) = in_state(CheckpointState::Running, &path);
    fill(&connection, 100);
    slow.after_batch(&connection).expect("it goes on");
    assert!(
        matches!(slow.state, CheckpointState::Running) && pages() > 100,
        "it waits for nothing"
    );
    fill(&connection, MAX_WAL_PAGES);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        sender.send(Ok(())).expect("the writer waits");
    });
    slow.after_batch(&connection).expect("it goes on");
    assert!(matches!(slow.state, CheckpointState::Idle) && pages() == 0, "{} are left", pages());
    thread.join().expect("it has sent");

    let (mut failing, _sender) = in_state(CheckpointState::Failed(Instant::now()), &path);
    fill(&connection, MAX_WAL_PAGES);
    assert!(failing.after_batch(&connection).expect("it goes on"), "the file was written");
    assert!(matches!(failing.state, CheckpointState::Idle) && pages() == 0, "{} are left", pages());
    assert!(!failing.after_batch(&connection).expect("it goes on"), "nothing was written");
}

/// Else the writer takes what it has written itself for the work of another program.
#[test]
fn a_checkpoint_of_the_writer_that_fails_may_have_written_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server1.db");
    let connection = filler(&path);
    let read_only = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let read_only = read_only.expect("another");
    let (mut failing, _sender) = in_state(CheckpointState::Failed(Instant::now()), &path);
    assert!(!failing.after_batch(&read_only).expect("it goes on"), "the WAL is short");
    fill(&connection, MAX_WAL_PAGES);
    let (mut failing, _sender) = in_state(CheckpointState::Failed(Instant::now()), &path);
    let may_have_written = failing.after_batch(&read_only).expect("nothing is lost");
    assert!(matches!(failing.state, CheckpointState::Failed(_)), "it fails");
    assert!(may_have_written);
}

#[test]
fn a_failed_sync_is_an_error_whenever_it_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server1.db");
    let connection = filler(&path);
    let not_synced = || Err(StoreError::NotSynced(io::Error::other("as the test wants it")));
    let (mut checkpointer, sender) = in_state(CheckpointState::Running, &path);
    sender.send(not_synced()).expect("a result");
    let noticed = checkpointer.after_batch(&connection);
    assert!(matches!(noticed, Err(StoreError::NotSynced(_))), "{noticed:?}");
    sender.send(not_synced()).expect("a result");
    let noticed = checkpointer.end();
    assert!(matches!(noticed, Err(StoreError::NotSynced(_))), "at the stop: {noticed:?}");

    let (mut checkpointer, sender) = in_state(CheckpointState::Running, &path);
    sender.send(Err(StoreError::Closed)).expect("a result");
    checkpointer.after_batch(&connection).expect("nothing is lost");
    assert!(matches!(checkpointer.state, CheckpointState::Failed(_)), "it is tried again");
    checkpointer.end().expect("nothing is lost");
}

#[test]
fn the_wal_is_written_from_its_beginning_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("server1.db");
    let database = Arc::new(File::create(&path).expect("a file"));
    let connection = filler(&path);
    let mut registry = Registry::default();
    let metrics = Arc::new(StoreMetrics::new(&mut registry));
    let mut checkpointer =
        Checkpointer::start(&path, Arc::clone(&database), metrics).expect("a thread");
    let mut most = 0;
    for _ in 0..3 * CHECKPOINT_PAGES / 100 {
        fill(&connection, 100);
        most = most.max(pages_to_checkpoint(&connection).expect("a number of pages"));
        checkpointer.after_batch(&connection).expect("a step");
        while matches!(checkpointer.state, CheckpointState::Running) {
            checkpointer.after_batch(&connection).expect("a step");
        }
    }
    checkpointer.end().expect("no checkpoint has failed");
    assert!(
        (CHECKPOINT_PAGES..CHECKPOINT_PAGES + 1_000).contains(&most),
        "{most} pages were to be checkpointed"
    );
    let mut text = String::new();
    prometheus_client::encoding::prometheus_text::encode(&mut text, &registry).expect("text");
    for name in ["database", "writer"] {
        let count = format!("postos_{name}_checkpoint_seconds_count ");
        let line = text.lines().find_map(|line| line.strip_prefix(&count)).expect("a count");
        assert_ne!(line, "0", "both parts are measured: {name}");
    }
    let wal = std::fs::metadata(folder.path().join("server1.db-wal")).expect("a WAL").len();
    assert!(wal < 2 * CHECKPOINT_PAGES as u64 * 4_096, "the WAL has {wal} bytes");
}
