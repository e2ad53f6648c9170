//! The program itself: its subcommands, and starts that its operator must remedy.

mod importar;
mod not_writable;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::running::Home;

/// The user of the images.
const USER: u32 = 10001;

/// Nothing listens there.
pub(crate) const NOWHERE: &str = "127.0.0.1:1025";

/// The program with the settings of a servidor whose admin API listens on `http_addr`.
pub(crate) fn program(home: &Home, http_addr: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.env_clear().current_dir(home.path()).env("SERVER_ID", "server1");
    command.env("DATABASE_URL", format!("sqlite:///{}", home.database().display()));
    command.env("HTTP_ADDR", http_addr).env("MQTT_PORT", "1");
    command
}

pub(crate) async fn ended(mut command: Command) -> (Option<i32>, String, String) {
    let output: Output = tokio::task::spawn_blocking(move || command.output().expect("it starts"))
        .await
        .expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8").trim_end().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A command that runs as another user than the owner of `home`, and may not write there.
pub(crate) fn as_user(home: &Home, closed: &Path) -> Command {
    let mode = |path: &Path, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("it is ours");
    };
    mode(home.path(), 0o755);
    mode(closed, if closed.is_dir() { 0o555 } else { 0o444 });
    let mut command = program(home, "127.0.0.1:0");
    if std::fs::metadata(home.path()).is_ok_and(|found| is_root(&found)) {
        // Where every user may read it. Another process copies it: a program that this one has open
        // for writing while another test starts a child cannot be executed until that child has begun.
        let copy = home.path().join("server");
        let copied =
            Command::new("cp").arg(env!("CARGO_BIN_EXE_server")).arg(&copy).status().expect("cp");
        assert!(copied.success(), "{copied}");
        let environment: Vec<_> = command
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        command = Command::new(copy);
        command.env_clear().current_dir(home.path());
        command.envs(environment.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.uid(USER).gid(USER);
    }
    command
}

fn is_root(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == 0
}

pub(crate) fn data(home: &Home) -> PathBuf {
    home.database().parent().expect("a folder").to_owned()
}

/// Mounts a file system of its own at a folder that it makes.
pub(crate) fn mounted(folder: &Path, options: &str) {
    std::fs::create_dir(folder).expect("a folder");
    let mut mount = Command::new("mount");
    let done = mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).status();
    assert!(done.expect("mount runs").success(), "it needs root");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_subcommand_is_refused_and_the_help_lists_those_there_are() {
    let home = Home::new();
    let mut command = program(&home, NOWHERE);
    command.arg("importa");
    let refused = "unrecognized subcommand 'importa'; see server --help".to_owned();
    assert_eq!(ended(command).await, (Some(2), String::new(), refused));
    let mut command = program(&home, NOWHERE);
    command.arg("--help");
    let (status, help, _) = ended(command).await;
    assert_eq!(status, Some(0));
    for part in ["importar", "healthcheck", "POSTOS_CSV"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    assert!(!home.database().exists(), "it was not started");
}
