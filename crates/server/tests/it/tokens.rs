//! The tokens of the admin API: the first one and its file, the operator's own, those with names,
//! and `server token`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::command_line::{NOWHERE, ended, program};
use crate::running::{Home, POSTOS, Running};

async fn status(server: &Running, token: &str) -> u16 {
    server.ask(token, Method::GET, "/reservas").await.status
}

fn contains(folder: &Path, text: &str) -> Vec<String> {
    let files =
        std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let holds = |file: &std::path::PathBuf| {
        let bytes = std::fs::read(file).expect("a file");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let name =
        |file: std::path::PathBuf| file.file_name().expect("a name").to_string_lossy().into_owned();
    files.filter(|file| file.is_file() && holds(file)).map(name).collect()
}

#[tokio::test]
async fn the_first_start_leaves_a_token_that_only_its_file_has() {
    let server = Running::fresh().await;
    let file = server.home().token_file();
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = server.token();
    assert!(token.starts_with("posto_") && token.len() == 49, "{}", token.len());
    assert_eq!(status(&server, &token).await, 200);
    let data = file.parent().expect("a folder").to_owned();
    assert_eq!(contains(&data, &token), ["server1.db.token"]);
    let server = server.stop().await.start().await.expect("it starts again");
    assert_eq!(server.token(), token);
    assert_eq!(status(&server, &token).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn file_and_database_are_brought_together_at_each_start() {
    // A start was cut off after it wrote the file.
    let home = Home::with_postos(POSTOS);
    std::fs::create_dir(home.token_file().parent().expect("a folder")).expect("a folder");
    std::fs::write(home.token_file(), "posto_left-by-a-crash\n").expect("a file");
    let server = home.start().await.expect("it starts");
    assert_eq!(status(&server, "posto_left-by-a-crash").await, 200);
    // A renewal was cut off after it wrote the file.
    let home = server.stop().await;
    std::fs::write(home.token_file(), "posto_half-renewed-token").expect("a file");
    let server = home.start().await.expect("it starts");
    assert_eq!(status(&server, "posto_half-renewed-token").await, 200);
    assert_eq!(status(&server, "posto_left-by-a-crash").await, 401);
    // A write of the file was cut off.
    let home = server.stop().await;
    let left = home.token_file().with_extension("token.new");
    std::fs::write(&left, "posto_ha").expect("a file");
    // The file is lost: who has the token still has it.
    std::fs::remove_file(home.token_file()).expect("it was there");
    let server = home.start().await.expect("it starts");
    assert_eq!(status(&server, "posto_half-renewed-token").await, 200);
    assert!(!server.home().token_file().exists());
    // A file without a token is the same.
    let home = server.stop().await;
    std::fs::write(home.token_file(), "").expect("a file");
    let server = home.start().await.expect("it starts");
    assert_eq!(status(&server, "posto_half-renewed-token").await, 200);
    server.stop().await;
    // Without any token one is made.
    for nothing in ["", "short", "two words and more than sixteen"] {
        let home = Home::with_postos(POSTOS);
        std::fs::create_dir(home.token_file().parent().expect("a folder")).expect("a folder");
        std::fs::write(home.token_file(), nothing).expect("a file");
        let server = home.start().await.expect("it starts");
        assert!(server.token().starts_with("posto_"));
        assert_eq!(status(&server, &server.token()).await, 200);
        server.stop().await;
    }
}

#[tokio::test]
async fn tokens_are_made_once_shown_once_and_revoked_at_once() {
    let server = Running::fresh().await;
    let body = json!({"nome": "painel", "papel": "leitura"});
    let made = server.post("/tokens", &body).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
    let painel = made.json["token"].as_str().expect("a token").to_owned();
    assert_eq!(status(&server, &painel).await, 200);
    let data = server.home().token_file().parent().expect("a folder").to_owned();
    assert_eq!(contains(&data, &painel), [""; 0]);
    let again = server.post("/tokens", &body).await;
    assert_eq!(again.verdict(), (409, "token_existente"));
    for wrong in [
        json!({"nome": "inicial", "papel": "leitura"}),
        json!({"nome": "aberto", "papel": "leitura"}),
        json!({"nome": "carregador", "papel": "leitura"}),
        json!({"nome": "a b", "papel": "leitura"}),
        json!({"nome": "", "papel": "leitura"}),
        json!({"nome": "x".repeat(65), "papel": "leitura"}),
        json!({"nome": "outro", "papel": "dono"}),
        json!({"nome": "outro"}),
    ] {
        let refused = server.post("/tokens", &wrong).await;
        assert_eq!(refused.verdict(), (422, "requisicao_invalida"), "{wrong}");
    }
    let listed = server.get("/tokens").await;
    assert_eq!(listed.column("tokens", "nome"), ["inicial", "painel"]);
    assert_eq!(listed.column("tokens", "papel"), ["operador", "leitura"]);
    for used in listed.column("tokens", "ultimo_uso") {
        assert_eq!(used.as_str().map(str::len), Some(10), "a day: {used}");
    }
    assert!(!listed.text.contains("posto_"), "{}", listed.text);
    let last = server.delete("/tokens/inicial").await;
    assert_eq!(last.verdict(), (409, "ultimo_operador"));
    assert_eq!(server.delete("/tokens/nenhum").await.verdict(), (404, "token_inexistente"));
    assert_eq!(server.delete("/tokens/painel").await.status, 204);
    assert_eq!(status(&server, &painel).await, 401);
    assert_eq!(server.delete("/tokens/painel").await.status, 404);
    // The name is free again, and the old text stays invalid after a restart too.
    let made = server.post("/tokens", &json!({"nome": "painel", "papel": "operador"})).await;
    let painel_2 = made.json["token"].as_str().expect("a token").to_owned();
    // With another of an operator, the first can go.
    let first = server.token();
    assert_eq!(server.delete("/tokens/inicial").await.status, 204);
    assert!(!server.home().token_file().exists());
    let home = server.stop().await;
    std::fs::write(home.token_file(), &first).expect("a file");
    let server = home.start().await.expect("it starts");
    for (token, expected) in [(&painel, 401), (&painel_2, 200), (&first, 401)] {
        assert_eq!(status(&server, token).await, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_operators_own_token_takes_the_place_of_the_first() {
    let server = Running::fresh().await;
    let made = server.token();
    let home = server.stop().await;
    let file = home.path().join("own");
    let path = file.display().to_string();
    let config = |home: &Home| home.config_with(&[("ADMIN_TOKEN_FILE", &path)]);
    for (text, why) in [
        (None, "cannot be read"),
        (Some(""), "is empty"),
        (Some("0123456789"), "has 10 characters"),
    ] {
        if let Some(text) = text {
            std::fs::write(&file, text).expect("a file");
        }
        let error = server::Server::start(config(&home)).await.err().expect("it is refused");
        let error = error.to_string();
        assert!(error.starts_with("ADMIN_TOKEN_FILE: ") && error.contains(why), "{error}");
        assert!(error.contains(&path) && !error.contains("0123456789"), "{error}");
    }
    std::fs::write(&file, "the-operators-own\n").expect("a file");
    let config = config(&home);
    let server = home.start_with(config).await.expect("it starts");
    assert_eq!(status(&server, "the-operators-own").await, 200);
    assert_eq!(status(&server, &made).await, 401);
    // What cannot be used leaves the old one; what can takes its place.
    for (text, valid) in
        [("short", "the-operators-own"), ("the-operators-next", "the-operators-next")]
    {
        let new = file.with_extension("new");
        std::fs::write(&new, text).expect("a file");
        std::fs::rename(&new, &file).expect("it is replaced");
        let wait = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            while status(&server, valid).await != 200 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect(valid);
    }
    assert_eq!(status(&server, "the-operators-own").await, 401);
    let listed = server.ask("the-operators-next", Method::GET, "/tokens").await;
    assert_eq!(
        listed.json["tokens"],
        json!([{
            "nome": "inicial", "papel": "operador", "criado_em": null,
            "ultimo_uso": listed.json["tokens"][0]["ultimo_uso"]
        }])
    );
    server.stop().await;
}

async fn token(home: &Home, addr: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(home, addr);
    command.arg("token").args(arguments);
    ended(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subcommand_shows_makes_lists_revokes_and_renews() {
    let mut server = Some(Running::fresh().await);
    let mut first = server.as_ref().expect("it runs").token();
    // While it runs, and while it is stopped.
    for (running, nome) in [(true, "painel-1"), (false, "painel-2")] {
        let home = if running { None } else { Some(server.take().expect("it runs").stop().await) };
        let addr = server.as_ref().map_or(NOWHERE.to_owned(), |server| server.addr.to_string());
        let used = home.as_ref().unwrap_or_else(|| server.as_ref().expect("it runs").home());
        let shown = token(used, &addr, &[]).await;
        assert_eq!(shown, (Some(0), first.clone(), String::new()));
        let (code, painel, reason) =
            token(used, &addr, &["--nome", nome, "--papel", "leitura"]).await;
        assert!(code == Some(0) && painel.starts_with("posto_"), "{painel} {reason}");
        let (code, _, reason) = token(used, &addr, &["--nome", nome, "--papel", "operador"]).await;
        assert!(code == Some(2) && reason.contains("Já existe um token"), "{reason}");
        let (code, listed, reason) = token(used, &addr, &["--listar"]).await;
        assert_eq!(code, Some(0), "{reason}");
        let names: Vec<&str> =
            listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names, ["nome", "inicial", nome], "{listed}");
        assert!(!listed.contains("posto_"), "{listed}");
        let (code, _, reason) = token(used, &addr, &["--revogar", "inicial"]).await;
        assert!(code == Some(2) && reason.contains("é o último com o papel operador"), "{reason}");
        let (code, _, reason) = token(used, &addr, &["--revogar", "nenhum"]).await;
        assert!(code == Some(2) && reason.contains("não existe neste servidor"), "{reason}");
        let revoked = token(used, &addr, &["--revogar", nome]).await;
        assert_eq!(revoked, (Some(0), format!("o token {nome} foi revogado"), String::new()));
        let (code, renewed, reason) = token(used, &addr, &["--renovar"]).await;
        if running {
            assert!(code == Some(2) && reason.contains("pare-o"), "{reason}");
            assert_eq!(status(server.as_ref().expect("it runs"), &painel).await, 401);
        } else {
            assert!(code == Some(0) && renewed != first, "{reason}");
            let server = home.expect("it is stopped").start().await.expect("it starts");
            assert_eq!(status(&server, &renewed).await, 200);
            assert_eq!(status(&server, &first).await, 401);
            first = renewed;
            assert_eq!(server.token(), first);
            server.stop().await;
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subcommand_says_what_is_wrong() {
    let home = Home::new();
    for (arguments, part) in [
        (&[][..], "o servidor o faz ao iniciar"),
        (&["--listar"], "ainda não existe"),
        (&["--renovar"], "ainda não existe"),
        (&["--nome", "painel"], "--papel"),
        (&["--papel", "leitura"], "--nome"),
        (&["--nome", "a b", "--papel", "leitura"], "não pode ser o nome"),
        (
            &["--nome", "inicial", "--papel", "leitura"],
            "o nome de um token novo não pode ser inicial, aberto, carregador, servidor",
        ),
        (&["--revogar", "a/b"], "não pode ser o nome"),
        (&["--nome", "painel", "--papel", "dono"], "dono"),
        (&["--listar", "--renovar"], "cannot be used with"),
    ] {
        let (code, printed, reason) = token(&home, NOWHERE, arguments).await;
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(reason.contains(part) && reason.lines().count() == 1, "{arguments:?}: {reason}");
    }
    let server = Running::fresh().await;
    let (code, _, reason) = token(server.home(), NOWHERE, &["--listar"]).await;
    assert!(code == Some(2) && reason.contains("está em uso"), "{reason}");
    // Without the file's token the running servidor refuses.
    std::fs::remove_file(server.home().token_file()).expect("it was there");
    let (code, _, reason) = token(server.home(), &server.addr.to_string(), &["--listar"]).await;
    assert!(code == Some(2) && reason.contains("recusou: Esta chamada precisa"), "{reason}");
    server.stop().await;
}
