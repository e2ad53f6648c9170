//! The program itself: its subcommands, and starts that its operator must remedy.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::running::{Home, POSTOS, Running};

/// The user of the images.
const USER: u32 = 10001;

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

async fn importar(
    home: &Home,
    http_addr: &str,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let mut command = program(home, http_addr);
    command.arg("importar").args(arguments);
    ended(command).await
}

const FILE: &str = "id;nome;latitude;longitude;status\r\n1;Praça;-23,5505;-46,6333;disponivel\r\n\
                    ;Novo;0;0;disponivel\r\n";
/// Nothing listens there.
pub(crate) const NOWHERE: &str = "127.0.0.1:1025";

#[tokio::test(flavor = "multi_thread")]
async fn importar_works_while_the_servidor_is_stopped() {
    let home = Running::fresh().await.stop().await;
    std::fs::write(home.csv(), FILE).expect("a file");
    let done =
        (Some(0), "postos.csv: criados: 1, alterados: 1, iguais: 0".to_owned(), String::new());
    assert_eq!(importar(&home, NOWHERE, &["postos.csv"]).await, done);
    let same = "id;nome;latitude;longitude;status\n1;Praça;-23,5505;-46,6333;disponivel\n;Mais um;0;0;disponivel\n";
    std::fs::write(home.csv(), same).expect("a file");
    let (status, printed, _) = importar(&home, NOWHERE, &["--simular", "postos.csv"]).await;
    let simulated = "postos.csv: criados: 1, alterados: 0, iguais: 1 (simulação: nada foi gravado)";
    assert_eq!((status, printed.as_str()), (Some(0), simulated));
    std::fs::write(home.csv(), format!("{POSTOS}x,,,,,\n")).expect("a wrong file");
    let (status, _, reason) = importar(&home, NOWHERE, &["postos.csv"]).await;
    assert_eq!(status, Some(2));
    assert!(
        reason.starts_with("postos.csv tem 5 erros e nada foi importado\n  linha 5"),
        "{reason}"
    );
    let (status, _, reason) = importar(&home, NOWHERE, &["outro.csv"]).await;
    assert_eq!(status, Some(2));
    assert!(reason.starts_with("outro.csv não pode ser lido: "), "{reason}");
    let (status, _, reason) = importar(&home, NOWHERE, &["."]).await;
    assert!(status == Some(2) && reason.contains("é uma pasta"), "{reason}");
    let server = home.start().await.expect("it starts");
    assert_eq!(
        server.get("/postos").await.column("postos", "nome"),
        ["Praça", "Ponto 2", "Ponto 3", "Novo"]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn importar_makes_no_database_and_leaves_no_file_of_another_user() {
    let home = Home::with_postos(FILE);
    for arguments in [["postos.csv", "--simular"].as_slice(), &["postos.csv"]] {
        let (status, _, reason) = importar(&home, NOWHERE, arguments).await;
        let refused = format!("o banco {} ainda não existe", home.database().display());
        assert!(status == Some(2) && reason.starts_with(&refused), "{reason}");
        assert!(!data(&home).exists(), "nothing was made");
    }
    let home = Running::fresh().await.stop().await;
    if !is_root(&std::fs::metadata(home.path()).expect("a folder")) {
        return;
    }
    std::fs::write(home.csv(), FILE).expect("a file");
    std::os::unix::fs::chown(data(&home), Some(USER), Some(USER)).expect("root");
    std::os::unix::fs::chown(home.database(), Some(USER), Some(USER)).expect("root");
    std::os::unix::fs::chown(home.token_file(), Some(USER), Some(USER)).expect("root");
    for arguments in [["postos.csv", "--simular"].as_slice(), &["postos.csv"]] {
        let (status, _, reason) = importar(&home, NOWHERE, arguments).await;
        assert_eq!(status, Some(0), "{reason}");
        for file in std::fs::read_dir(data(&home)).expect("a folder") {
            let file = file.expect("a file");
            let found = file.metadata().expect("it is there");
            assert!(!is_root(&found), "{} is root's", file.path().display());
        }
    }
    let mut renew = program(&home, NOWHERE);
    renew.args(["token", "--renovar"]);
    let (status, _, reason) = ended(renew).await;
    assert_eq!(status, Some(0), "{reason}");
    let file = std::fs::metadata(home.token_file()).expect("its file");
    assert!(!is_root(&file), "the servidor cannot read it");
}

#[tokio::test(flavor = "multi_thread")]
async fn importar_names_what_it_may_not_write_with_user_and_remedy() {
    let folder = Running::fresh().await.stop().await;
    let file = Running::fresh().await.stop().await;
    for (home, closed) in [(&folder, data(&folder)), (&file, file.database())] {
        std::fs::write(home.csv(), FILE).expect("a file");
        if closed.is_file() {
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(data(home), open).expect("a folder");
        }
        let mut command = as_user(home, &closed);
        command.args(["importar", "postos.csv"]);
        let (status, _, reason) = ended(command).await;
        let closed = std::fs::canonicalize(closed).expect("it is there");
        let named = format!("may not write to {}, which belongs to user ", closed.display());
        for part in [named.as_str(), "runs as user ", "as root: chown "] {
            assert!(status == Some(2) && reason.contains(part), "{part:?} is not in {reason}");
        }
        assert!(!reason.contains("POSTOS_CSV"), "{reason}");
    }
}

/// Answers one request with each of these, and closes its connection.
fn answering(answers: &'static [&'static str]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut connection, _) = listener.accept().expect("a connection");
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            connection.write_all(answer.as_bytes()).expect("it listens");
        }
    });
    addr
}

#[tokio::test(flavor = "multi_thread")]
async fn importar_says_when_the_servidor_ends_meanwhile() {
    const STATUS: &str = "HTTP/1.1 200 OK\r\n\r\n{\"servidor\":\"server1\"}";
    let server = Running::fresh().await;
    std::fs::write(server.home().path().join("outros.csv"), FILE).expect("a file");
    for (answers, part) in [
        ([STATUS, ""].as_slice(), "não respondeu até o fim (a conexão foi encerrada)"),
        (&[STATUS, "HTTP/1.1 200 OK\r\n\r\n"], "não respondeu até o fim (a conexão foi"),
        (&[STATUS, "HTTP/1.1 200 OK\r\n\r\n{\"cria"], "não respondeu até o fim (HTTP/1.1 200 OK"),
        (
            &[STATUS, "HTTP/1.1 503 X\r\n\r\n{\"codigo\":\"x\",\"mensagem\":\"O banco.\"}"],
            "não importou o arquivo: O banco.",
        ),
    ] {
        let (status, _, reason) =
            importar(server.home(), &answering(answers), &["outros.csv"]).await;
        assert!(status == Some(2) && reason.contains(part), "{part} is not in {reason}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn importar_asks_the_servidor_that_runs() {
    let server = Running::fresh().await;
    let addr = server.addr.to_string();
    let file = server.home().path().join("outros.csv");
    std::fs::write(&file, FILE).expect("a file");
    let (status, printed, reason) = importar(server.home(), &addr, &["outros.csv"]).await;
    let done = "outros.csv: criados: 1, alterados: 1, iguais: 0";
    assert_eq!((status, printed.as_str(), reason.as_str()), (Some(0), done, ""));
    let names = ["Praça", "Ponto 2", "Ponto 3", "Novo"];
    assert_eq!(server.get("/postos").await.column("postos", "nome"), names);
    std::fs::write(&file, "id,nome,latitude,longitude,status\n1,,0,0,livre\n").expect("a file");
    let (status, _, reason) = importar(server.home(), &addr, &["outros.csv"]).await;
    assert_eq!(status, Some(2));
    assert!(
        reason.starts_with("outros.csv tem 2 erros e nada foi importado\n  linha 2"),
        "{reason}"
    );
    // Another program must not write while it runs.
    let (status, _, reason) = importar(server.home(), NOWHERE, &["outros.csv"]).await;
    assert_eq!(status, Some(2));
    for part in ["server1.db está em uso", NOWHERE, "HTTP_ADDR"] {
        assert!(reason.contains(part), "{part} is not in {reason}");
    }
    server.stop().await;
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

/// Mounts a file system of its own at a folder that it makes.
pub(crate) fn mounted(folder: &Path, options: &str) {
    std::fs::create_dir(folder).expect("a folder");
    let mut mount = Command::new("mount");
    let done = mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).status();
    assert!(done.expect("mount runs").success(), "it needs root");
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: mounts file systems"]
async fn importar_names_a_disk_that_becomes_full() {
    // The WAL has no room, or has room and the database has none when it takes the WAL.
    for (rows, outcome) in [
        (200_000, "não pôde ser gravado, e nada foi importado: "),
        (12_000, "o arquivo foi importado, mas o banco não pôde ser fechado: "),
    ] {
        let home = Home::with_postos(POSTOS);
        mounted(&data(&home), "size=4m");
        let home = home.start().await.expect("it starts").stop().await;
        let rows: String =
            (1..=rows).map(|id| format!("{id};Ponto {id};1;1;disponivel\n")).collect();
        let file = format!("id;nome;latitude;longitude;status\n{rows}");
        std::fs::write(home.csv(), file).expect("a file");
        let (status, _, reason) = importar(&home, NOWHERE, &["postos.csv"]).await;
        let unmounted = Command::new("umount").arg(data(&home)).status();
        assert!(unmounted.expect("umount runs").success());
        assert!(status == Some(2) && reason.contains(outcome), "{reason}");
        assert!(reason.contains(&home.database().display().to_string()), "{reason}");
        assert!(reason.contains("full") && !reason.contains("POSTOS_CSV"), "{reason}");
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_through_standard_output_and_back_through_standard_input() {
    let server = Running::fresh().await;
    let mut backup = program(&Home::with_postos(POSTOS), NOWHERE);
    backup.current_dir(server.path());
    backup.env(
        "DATABASE_URL",
        format!("sqlite:///{}", server.path().join("data/server1.db").display()),
    );
    backup.args(["backup", "-"]);
    let made = tokio::task::spawn_blocking(move || backup.output().expect("it starts"));
    let made = made.await.expect("it ends");
    let said = String::from_utf8(made.stderr).expect("UTF-8");
    let expected = format!("server1 is backed up: {} bytes, 0 reservas\n", made.stdout.len());
    assert_eq!((made.status.code(), said), (Some(0), expected));
    assert!(server::LastBackup::read(&server.path().join("data/server1.db")).is_some());
    server.post("/postos", &serde_json::json!({"nome": "Depois", "localizacao": "0,0"})).await;
    let home = server.stop().await;
    let restore = async |bytes: Vec<u8>| {
        let mut command = program(&home, NOWHERE);
        command.args(["restaurar", "-"]).stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut running = command.spawn().expect("it starts");
        let mut input = running.stdin.take().expect("a pipe");
        std::thread::spawn(move || input.write_all(&bytes));
        tokio::task::spawn_blocking(move || running.wait_with_output().expect("it ends"))
            .await
            .expect("it ends")
    };
    let cut = restore(made.stdout[..made.stdout.len() / 2].to_vec()).await;
    assert_eq!(cut.status.code(), Some(2), "half a backup is none");
    // As on a new machine.
    std::fs::remove_dir_all(data(&home)).expect("a folder");
    assert_eq!(restore(Vec::new()).await.status.code(), Some(2), "nor is nothing");
    assert!(!data(&home).exists(), "and leaves nothing");
    let restored = restore(made.stdout).await;
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let said = String::from_utf8(restored.stdout).expect("UTF-8");
    assert!(said.starts_with("server1 is restored from standard input: 0 reservas\n"), "{said}");
    let files = std::fs::read_dir(data(&home)).expect("a folder");
    let left = files.filter(|file| {
        let name = file.as_ref().expect("an entry").file_name();
        name.to_string_lossy().ends_with(".parcial")
    });
    assert_eq!(left.count(), 0, "nothing temporary is left");
    let server = home.start().await.expect("it starts");
    let names = server.get("/postos").await.column("postos", "nome");
    assert_eq!(names, ["Ponto 1", "Ponto 2", "Ponto 3"]);
    server.stop().await;
}
