//! Files and folders that the program may not write, or that are not what they should be.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{as_user, data, ended, is_root, mounted, program};
use crate::running::{Home, Running};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_written_is_named_with_user_and_remedy() {
    let new = Home::new();
    std::fs::create_dir(data(&new)).expect("a folder");
    let missing = Home::new();
    let used = Running::fresh().await.stop().await;
    let file = Running::fresh().await.stop().await;
    for (home, closed) in [
        (&new, data(&new)),
        (&missing, missing.path().to_owned()),
        (&used, data(&used)),
        (&file, file.database()),
    ] {
        if closed.is_file() {
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(data(home), open).expect("a folder");
        }
        let (status, _, reason) = ended(as_user(home, &closed)).await;
        assert_eq!(status, Some(2), "{reason}");
        assert_eq!(reason.lines().count(), 1, "{reason}");
        let closed = std::fs::canonicalize(closed).expect("it is there");
        let named = format!("may not write to {}, which belongs to user ", closed.display());
        // The folder above a missing one belongs to others too.
        let (command, is_made) = match closed == home.path() {
            true => ("install -d -o ", data(home)),
            false => ("chown ", closed),
        };
        let remedy = format!("{} (if that is mounted into a container", is_made.display());
        for part in [named.as_str(), "runs as user ", command, &remedy] {
            assert!(reason.contains(part), "{part:?} is not in {reason}");
        }
        assert!(!reason.contains("-R "), "{reason}");
        if is_root(&std::fs::metadata(home.path()).expect("a folder")) {
            let owners = ["chown 10001:10001 ", "install -d -o 10001 -g 10001 "];
            assert!(owners.iter().any(|owner| reason.contains(owner)), "{reason}");
        }
    }
}

/// SQLite opens such a file for reading, and a start that has nothing to write would not notice.
#[tokio::test(flavor = "multi_thread")]
async fn each_file_that_can_only_be_read_is_named_at_the_start() {
    let mode = |path: &Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("a file or folder");
    };
    let server = Running::fresh().await;
    let beside =
        |home: &Home, suffix: &str| PathBuf::from(format!("{}{suffix}", home.database().display()));
    for closed in ["", "-wal", "-shm"] {
        for is_linked in [false, true] {
            let (home, link) = (Home::new(), Home::new());
            std::fs::create_dir(data(&home)).expect("a folder");
            mode(&data(&home), 0o777);
            for suffix in ["", "-wal", "-shm"] {
                let copy = beside(&home, suffix);
                std::fs::copy(beside(server.home(), suffix), &copy).expect("a copy");
                mode(&copy, 0o666);
            }
            let path = std::fs::canonicalize(beside(&home, closed)).expect("it is there");
            mode(
                &path,
                if is_root(&std::fs::metadata(&path).expect("a file")) { 0o644 } else { 0o444 },
            );
            mode(home.path(), 0o755);
            std::fs::create_dir(data(&link)).expect("a folder");
            mode(&data(&link), 0o777);
            std::os::unix::fs::symlink(home.database(), link.database()).expect("a link");
            let used = if is_linked { &link } else { &home };
            let (status, _, reason) = ended(as_user(used, used.path())).await;
            assert_eq!(
                (status, reason.lines().count()),
                (Some(2), 1),
                "{closed}, {is_linked}: {reason}"
            );
            let named = format!("may not write to {}, which belongs to user ", path.display());
            assert!(reason.contains(&named), "{closed}, {is_linked}: {reason}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_place_of_a_folder_and_a_folder_in_place_of_a_file_are_named() {
    let home = Home::new();
    std::fs::write(data(&home), "a file").expect("a file");
    let (status, _, reason) = ended(program(&home, "127.0.0.1:0")).await;
    let is_file = format!("{} is a file, and a folder is needed there", data(&home).display());
    assert!(status == Some(2) && reason.contains(&is_file), "{reason}");
    let home = Home::new();
    std::fs::create_dir_all(home.database()).expect("a folder");
    let (status, _, reason) = ended(program(&home, "127.0.0.1:0")).await;
    let is_folder = format!("{} is a folder; name a file in it", home.database().display());
    assert!(status == Some(2) && reason.contains(&is_folder), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts file systems"]
async fn a_read_only_or_full_file_system_is_named() {
    for (options, part) in [
        ("ro", "is on a read-only file system; mount it so that it can be written"),
        ("size=16k", "is full; free some space"),
    ] {
        let home = Home::new();
        mounted(&data(&home), options);
        let (status, _, reason) = ended(program(&home, "127.0.0.1:0")).await;
        let unmounted = Command::new("umount").arg(data(&home)).status();
        assert!(unmounted.expect("umount runs").success());
        assert_eq!(status, Some(2), "{reason}");
        let folder = data(&home).display().to_string();
        assert!(reason.contains(&folder) && reason.contains(part), "{reason}");
    }
}
