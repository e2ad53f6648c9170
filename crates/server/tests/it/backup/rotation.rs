//! Which backups `--manter` removes when something is not as every night.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use domain::Moment;
use server::store::{BackupError, Copied, Rotated, Rotation, back_up};

use crate::backup::{NOW, add, both};
use crate::running::{Home, Running};

/// The backup of one night, which is not yet one of those that are kept.
fn night(home: &Home, folder: &Path, number: i64) -> Copied {
    let at = Moment::from_millis(NOW.as_millis() + number * 86_400_000);
    back_up(&home.database(), "server1", folder, at).expect("a backup")
}

fn rotate(folder: &Path, keep: usize, newest: &Copied) -> Result<Rotated, BackupError> {
    let keep = NonZeroUsize::new(keep).expect("a number");
    Rotation { folder, server_id: "server1", keep }.remove_older(newest)
}

fn left(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut left: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    left.sort();
    left
}

/// Whichever ends first.
#[tokio::test]
async fn of_backups_at_once_the_one_that_was_begun_last_stays() {
    let home = Running::fresh().await.stop().await;
    for order in [[0, 1], [1, 0]] {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let made = [night(&home, folder, 0), night(&home, folder, 1)];
        for index in order {
            rotate(folder, 1, &made[index]).expect("it ends");
        }
        assert_eq!(left(folder), [made[1].path.clone()], "{order:?}");
    }
    for number in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let ended = both(number % 4, |_| {
            let made = back_up(&home.database(), "server1", folder, NOW).expect("a backup");
            rotate(folder, 1, &made)
        });
        assert!(ended.iter().all(Result::is_ok), "{ended:?}");
        assert!(!left(folder).is_empty());
    }
}

/// A clock that was ahead for some nights.
#[tokio::test]
async fn backups_with_a_later_date_take_no_place_of_those_that_come() {
    let home = Running::fresh().await.stop().await;
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let ahead: Vec<_> = (100..103).map(|number| night(&home, folder, number).path).collect();
    let mut made = Vec::new();
    for number in 0..4 {
        let newest = night(&home, folder, number);
        assert_eq!(rotate(folder, 2, &newest).expect("it ends").later, ahead);
        made.push(newest.path);
    }
    assert_eq!(left(folder), [&made[2..], &ahead[..]].concat());
}

#[tokio::test]
async fn backups_of_a_database_that_was_lost_are_not_removed_for_those_of_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let server = Running::fresh().await;
    let older = night(server.home(), folder, 0);
    add(&server, "Novo").await;
    let newer = night(server.home(), folder, 1);
    let home = server.stop().await;
    // Made anew, it has as many postos soon.
    fs::remove_file(home.database()).expect("it is lost");
    let server = home.start().await.expect("it starts");
    for nome in ["Outro", "E mais um"] {
        add(&server, nome).await;
    }
    let anew = night(server.home(), folder, 2);
    let home = server.stop().await;
    // An older copy, put there by hand.
    fs::copy(&older.path, home.database()).expect("it is put there");
    let by_hand = night(&home, folder, 3);
    let (before, others) = ([&older, &newer], [&newer, &anew]);
    for (keep, made, than) in [(1, &anew, before), (2, &anew, before), (9, &by_hand, others)] {
        let refused = rotate(folder, keep, made).expect_err("they are of another").to_string();
        let [one, other] = than.map(|than| than.path.display());
        assert!(refused.contains(&format!(": {one}, {other}. If")), "{refused}");
        assert_eq!(left(folder).len(), 4);
    }
    // As it says.
    for path in [&newer.path, &anew.path] {
        fs::rename(path, path.with_extension("away")).expect("it is moved away");
    }
    let removed = rotate(folder, 1, &by_hand).expect("it is the right one").removed;
    assert_eq!(removed, [older.path]);
}

/// What was restored goes on from every backup, also from those that it is older than.
#[tokio::test]
async fn a_restore_does_not_stop_the_rotation() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let server = Running::fresh().await;
    let older = night(server.home(), folder, 0);
    add(&server, "Novo").await;
    night(server.home(), folder, 1);
    let home = server.stop().await;
    crate::backup::put_back(home.path(), &older.path).expect("it is restored");
    let newest = night(&home, folder, 2);
    assert_eq!(rotate(folder, 1, &newest).expect("it ends").removed.len(), 2);
}
