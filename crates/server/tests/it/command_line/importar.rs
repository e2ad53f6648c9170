//! `server importar`, beside a servidor that runs and while it is stopped.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::{NOWHERE, USER, as_user, data, ended, is_root, mounted, program};
use crate::running::{Home, POSTOS, Running};

const FILE: &str = "id;nome;latitude;longitude;status\r\n1;Praça;-23,5505;-46,6333;disponivel\r\n\
                    ;Novo;0;0;disponivel\r\n";

async fn importar(
    home: &Home,
    http_addr: &str,
    arguments: &[&str],
) -> (Option<i32>, String, String) {
    let mut command = program(home, http_addr);
    command.arg("importar").args(arguments);
    ended(command).await
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
