//! `server backup` into a folder that keeps some backups, and what it says where it cannot.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use server::LastBackup;

use crate::command_line::{NOWHERE, ended, mounted, program};
use crate::running::{Home, Running};

/// As an unprivileged user, from whom root's folders are kept.
const USER: u32 = 10001;

async fn back_up(home: &Home, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(home, NOWHERE);
    command.arg("backup").args(arguments);
    ended(command).await
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_backups_are_kept_and_nothing_else_is_removed() {
    let home = Running::fresh().await.stop().await;
    let folder = home.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    let older = [
        "server1-20260101T031500Z.db",
        "server1-20260102T031500Z.db",
        "server1-20260103T031500Z.db",
        "server1-20260103T031500Z-2.db",
        // The clock was ahead once.
        "server1-29990101T000000Z.db",
    ];
    let others = [
        ".server1-29990101T000000Z.dbAbCdEf.parcial",
        ".server2-20260101T031500Z.dbAbCdEf.parcial",
        "server1-2-20260101T031500Z.db",
        "server1-20260101T031500Z-0.db",
        "server1-20260101T031500Z-antes.db",
        "server1-20260101T031500Z.db.gz",
        "server1-20260101.db",
        "server1-2026é101T031500Z.db",
        "server1.db",
        "server2-20260101T031500Z.db",
    ];
    let killed = [
        ".server1-20260101T031500Z.dbAbCdEf.parcial",
        ".server1-20260101T031500Z.dbAbCdEf.parcial-journal",
    ];
    for name in older.iter().chain(&others).chain(&killed) {
        fs::write(folder.join(name), "a file").expect("a file");
    }
    fs::create_dir(folder.join("server1-20250101T031500Z.db")).expect("a folder with such a name");
    let (status, printed, reason) = back_up(&home, &["backups", "--manter", "3"]).await;
    let ahead =
        "backups/server1-29990101T000000Z.db has a later date: it does not count, and stays";
    assert_eq!((status, reason.as_str()), (Some(0), ahead), "{printed}");
    let mut lines = printed.lines();
    let made = lines.next().expect("a line").strip_prefix("server1 is backed up in backups/");
    let made = made.and_then(|line| line.split(": ").next()).expect("its name").to_owned();
    let removed: Vec<&str> = lines.collect();
    let expected: Vec<String> =
        [0, 1].map(|index| format!("removed backups/{}", older[index])).into();
    assert_eq!(removed, expected);
    let mut kept = vec![made.as_str(), older[2], older[3], older[4], "server1-20250101T031500Z.db"];
    kept.extend(others);
    kept.sort_unstable();
    assert_eq!(names(&folder), kept);

    let (_, printed, _) = back_up(&home, &["backups", "--manter=1"]).await;
    assert_eq!(printed.lines().count(), 4, "{printed}");
    assert!(!folder.join(made).exists() && folder.join(older[4]).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_fails_removes_none_of_those_before() {
    let home = Running::fresh().await.stop().await;
    let folder = home.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("server1-20260101T031500Z.db"), "a backup").expect("a file");
    let (_, file) = (fs::write(home.path().join("file"), ""), "file");
    for (arguments, part) in [
        (["missing", "--manter", "1"], "the folder missing does not exist; make it"),
        ([file, "--manter", "1"], "the folder file does not exist; make it"),
        (["-", "--manter", "1"], "--manter keeps the backups of a folder"),
        (["backups", "--manter", "0"], "'0'"),
    ] {
        let (status, _, reason) = back_up(&home, &arguments).await;
        assert!(status == Some(2) && reason.contains(part), "{arguments:?}: {reason}");
        assert_eq!(reason.lines().count(), 1, "{reason}");
    }
    let bytes = fs::read(home.database()).expect("a file");
    fs::write(home.database(), &bytes[..bytes.len() / 2]).expect("a file");
    let (status, _, reason) = back_up(&home, &["backups", "--manter", "1"]).await;
    assert!(status == Some(2) && reason.contains("cannot be backed up"), "{reason}");
    assert_eq!(names(&folder), ["server1-20260101T031500Z.db"]);
    assert_eq!(LastBackup::read(&home.database()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_backup_is_recorded_beside_the_database() {
    let home = Running::fresh().await.stop().await;
    assert_eq!(LastBackup::read(&home.database()), None);
    let before = service::now().as_millis();
    let (_, printed, _) = back_up(&home, &["backup.db"]).await;
    let last = LastBackup::read(&home.database()).expect("it is recorded");
    assert!(last.quando.as_millis() >= before && !last.enviado, "{last:?}");
    assert!(printed.contains(&format!("{} bytes, {} reservas", last.bytes, last.reservas)));
    let (status, ..) = back_up(&home, &["backup.db"]).await;
    assert_eq!(status, Some(2), "it exists");
    assert_eq!(LastBackup::read(&home.database()), Some(last), "that one has failed");
}

/// They are on the disk that the servidor needs.
#[tokio::test(flavor = "multi_thread")]
async fn what_killed_commands_left_beside_the_database_is_removed_a_day_later() {
    let home = Running::fresh().await.stop().await;
    let folder = home.database().parent().expect("a folder").to_owned();
    let before = names(&folder);
    let left = [".server1-AbCd12", ".server1.dbAbCd12"].map(|name| format!("{name}.parcial"));
    let others =
        [".server1-AbCd34.parcial", ".server1-2-AbCd12.parcial", ".server10-AbCd1.parcial"];
    let age = |path: &Path, hours: u64| {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3_600);
        fs::File::open(path).and_then(|file| file.set_modified(then)).expect("a time");
    };
    for name in [&*left[0], others[0], others[1]] {
        fs::create_dir(folder.join(name)).expect("a folder");
        fs::write(folder.join(name).join("backup.db"), "a copy").expect("a file");
        age(&folder.join(name), 25);
    }
    for name in [&*left[1], others[2]] {
        fs::write(folder.join(name), "a copy").expect("a file");
        age(&folder.join(name), 25);
    }
    age(&folder.join(others[0]), 23);
    let mut command = program(&home, NOWHERE);
    command.args(["backup", "-"]);
    let made = tokio::task::spawn_blocking(move || command.output().expect("it starts"));
    let backup = made.await.expect("it ends").stdout;
    assert!(left.iter().all(|name| !folder.join(name).exists()));
    fs::write(home.path().join("backup.db"), backup).expect("a file");
    let mut command = program(&home, NOWHERE);
    command.args(["restaurar", "backup.db"]);
    assert_eq!(ended(command).await.0, Some(0));
    let found = names(&folder).into_iter().filter(|name| !name.contains(".antes-"));
    let found: Vec<String> = found.filter(|name| !name.ends_with(".ultimo-backup")).collect();
    let mut expected = before;
    expected.extend(others.map(str::to_owned));
    expected.sort();
    assert_eq!(found, expected);
}

/// The line for cron, with the program in place of its container.
#[tokio::test(flavor = "multi_thread")]
async fn the_line_of_the_readmes_replaces_a_backup_only_by_a_complete_one() {
    let home = Running::fresh().await.stop().await;
    let line = |readme: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(readme);
        let text = fs::read_to_string(path).expect("a README");
        let line = text.lines().find_map(|line| line.strip_prefix("15 3 * * *  "));
        line.unwrap_or_else(|| panic!("{readme} has no line for cron")).to_owned()
    };
    assert_eq!(line("README.md"), line("README.pt-BR.md"));
    // cron takes a bare % for the end of the line.
    let line = line("README.md").replace("\\%", "%");
    let run = async |line: &str, program_in_container: &str| {
        let in_container = "docker-compose exec -T server_1 server";
        let line = line.replace(in_container, program_in_container);
        let line = line.replace("/srv/postos", &home.path().display().to_string());
        assert!(!line.contains("docker-compose"), "{line}");
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().env("PATH", "/usr/bin:/bin").env("SERVER_ID", "server1");
        shell.env("DATABASE_URL", format!("sqlite:///{}", home.database().display()));
        ended({
            shell.args(["-c", &line]);
            shell
        })
        .await
    };
    let (status, _, reason) = run(&line, env!("CARGO_BIN_EXE_server")).await;
    assert_eq!(status, Some(0), "{reason}");
    let folder = home.path().join("backups");
    let made = names(&folder);
    assert!(made.len() == 1 && made[0].starts_with("server1-"), "{made:?}");
    let backup = fs::read(folder.join(&made[0])).expect("a backup");
    let last = LastBackup::read(&home.database()).expect("it is recorded");
    assert_eq!((last.bytes, last.enviado), (backup.len() as u64, true));
    // Half of it, and then the container is gone.
    let (status, ..) = run(&line, "printf SQLite; false").await;
    assert_ne!(status, Some(0));
    assert_eq!(fs::read(folder.join(&made[0])).expect("a backup"), backup);
    // Of two bytes one is lost on the way.
    let (status, ..) = run(&line, "printf 1; echo 'is backed up: 2 bytes, 0 reservas' >&2").await;
    assert_ne!(status, Some(0));
    assert_eq!(fs::read(folder.join(&made[0])).expect("a backup"), backup);
    // Of two servidores at once, with the names that the README says to change.
    let script = "printf $1; sleep 0.5; printf $1; echo 'is backed up: 2 bytes, 0 reservas' >&2";
    fs::write(home.path().join("slow.sh"), script).expect("a script");
    let other = line.replace("server1", "server2");
    let (one, two) = tokio::join!(run(&line, "sh slow.sh 1"), run(&other, "sh slow.sh 2"));
    assert_eq!((one.0, two.0), (Some(0), Some(0)), "{one:?} {two:?}");
    for (server_id, expected) in [("server1", "11"), ("server2", "22")] {
        let found = fs::read_to_string(folder.join(made[0].replace("server1", server_id)));
        assert_eq!(found.expect("a backup"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts file systems and runs as another user"]
async fn a_full_disk_and_a_folder_of_others_are_named() {
    let home = Running::fresh().await.stop().await;
    let disk = home.path().join("small");
    mounted(&disk, "size=64k");
    fs::write(disk.join("server1-20260101T031500Z.db"), "a backup").expect("a file");
    let (status, _, reason) = back_up(&home, &["small", "--manter", "1"]).await;
    let left = names(&disk);
    let unmounted = Command::new("umount").arg(&disk).status();
    assert!(unmounted.expect("umount runs").success());
    let size = fs::metadata(home.database()).expect("a file").len();
    let full = format!("the disk of small is full: the backup needs about {size} bytes, and ");
    assert!(status == Some(2) && reason.contains(&full), "{reason}");
    assert_eq!(left, ["server1-20260101T031500Z.db"]);

    let folder = home.path().join("of-root");
    fs::create_dir(&folder).expect("a folder");
    let given = Command::new("chmod").args(["-R", "a+rwX"]).arg(home.path()).status();
    assert!(given.expect("chmod runs").success());
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("root");
    let mut command = program(&home, NOWHERE);
    command.args(["backup", "of-root", "--manter", "1"]).uid(USER).gid(USER);
    let (status, _, reason) = ended(command).await;
    let denied = format!("no backup can be written in of-root: this program runs as user {USER}");
    assert!(status == Some(2) && reason.contains(&denied), "{reason}");
}
