//! Tokens of apps at a gateway: which calls need one, and the file that has them.

use reqwest::header::RETRY_AFTER;
use serde_json::Value;

use crate::harness::{Program, World, eventually, run_subcommand};

/// The status, the `codigo` and `Retry-After` of an answer.
pub(crate) type Verdict = (u16, String, Option<u64>);

pub(crate) async fn call(
    program: &Program,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Verdict {
    let method = method.parse().expect("a method");
    let mut request = reqwest::Client::new().request(method, program.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
    let status = answer.status().as_u16();
    let json: Value = answer.json().await.unwrap_or_default();
    (status, json["codigo"].as_str().unwrap_or_default().to_owned(), wait)
}

/// A token that the program made, and its line for the file.
pub(crate) struct Made {
    pub(crate) token: String,
    pub(crate) line: String,
}

pub(crate) async fn make(world: &World, app: &str) -> Made {
    let output = run_subcommand("client", world.folder(), &["token", app], []).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let [token, line] = lines[..] else { panic!("{text}") };
    assert!(line.starts_with(&format!("{app} sha256:")) && !line.contains(token), "{text}");
    Made { token: format!("Bearer {token}"), line: line.to_owned() }
}

/// A gateway with these lines in its file of tokens.
pub(crate) async fn with_tokens(world: &World, lines: &[&str], set: &[(&str, &str)]) -> Program {
    std::fs::write(world.folder().join("tokens"), lines.join("\n")).expect("a file");
    world.client_with("cliente1", &[&[("API_TOKENS_FILE", "tokens")], set].concat()).await
}

/// Waits until a call with this token has this status.
async fn becomes(client: &Program, token: &str, status: u16) {
    let path = "/reservas/x?server_id=server7";
    eventually(&format!("a token is answered {status}"), async || {
        call(client, "GET", path, &[("Authorization", token)]).await.0 == status
    })
    .await;
}

const PUBLIC: [&str; 9] = [
    "/",
    "/status",
    "/servidores",
    "/postos?server_id=server1",
    "/healthz",
    "/readyz",
    "/docs/",
    "/openapi.json",
    "/asyncapi.json",
];

#[tokio::test(flavor = "multi_thread")]
async fn with_a_file_of_tokens_only_what_tells_of_nobody_is_public() {
    let world = World::new().await;
    let one = make(&world, "app1").await;
    let _server = world.server("server1").await;
    let client = with_tokens(&world, &[&one.line], &[]).await;
    client.sees("server1", "online").await;
    for path in PUBLIC {
        assert_eq!(call(&client, "GET", path, &[]).await.0, 200, "{path}");
    }
    assert_eq!(call(&client, "OPTIONS", "/reservar", &[]).await.0, 200);
    let document = client.get("/openapi.json").await.json;
    let mut protected = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let security = operation["security"].as_array().expect("security");
            let is_listed = PUBLIC.iter().any(|public| public.split('?').next() == Some(path));
            // It does not end; `events` listens to it without a token.
            let is_public = is_listed || path == "/eventos";
            assert_eq!(security.is_empty(), is_public, "{method} {path}");
            if is_public {
                continue;
            }
            protected += 1;
            let path = format!("{}?server_id=server1", path.replace(['{', '}'], ""));
            let method = method.to_uppercase();
            for form in [path.clone(), format!("/{path}"), path.replace('?', "/?")] {
                let refused = call(&client, &method, &form, &[]).await;
                assert_eq!((refused.0, refused.1.as_str()), (401, "nao_autenticado"), "{form}");
                let token = [("Authorization", one.token.as_str())];
                assert_ne!(call(&client, &method, &form, &token).await.0, 401, "{form}");
            }
            let encoded = format!("/%{:02x}{}", path.as_bytes()[1], &path[2..]);
            assert_eq!(call(&client, &method, &encoded, &[]).await.0, 404, "{encoded}");
        }
    }
    assert!(protected >= 3, "{protected}");
    let answer = reqwest::get(client.url("/reservas/x?server_id=server1")).await.expect("401");
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    let text = answer.text().await.expect("a body");
    assert!(text.contains("client token APP"), "it says how to get one: {text}");
    let (status, log) = client.stop_with_log().await;
    assert!(status.success());
    let secret = one.token.strip_prefix("Bearer ").expect("a token");
    assert!(log.iter().all(|line| !line.to_string().contains(secret)), "a token in the log");
    assert!(log.iter().any(|line| line["quem"] == "app1"), "the log names the app");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_change_with_their_file_however_it_changes() {
    let world = World::new().await;
    let path = world.folder().join("tokens");
    let (one, two) = (make(&world, "app1").await, make(&world, "app2").await);
    let client = with_tokens(&world, &[&one.line], &[]).await;
    becomes(&client, &one.token, 503).await;
    becomes(&client, &two.token, 401).await;
    // A new token beside the old one, at the end of the file.
    let again = make(&world, "app1").await;
    let mut text = format!("# rotation\r\n{}\r\n{}\r\n", one.line, again.line);
    std::fs::write(&path, &text).expect("it is written in place");
    becomes(&client, &again.token, 503).await;
    becomes(&client, &one.token, 503).await;
    // Replaced by another file.
    text = format!("{}\n{}\n", again.line, two.line);
    std::fs::write(world.folder().join("new"), &text).expect("a file");
    std::fs::rename(world.folder().join("new"), &path).expect("it is replaced");
    becomes(&client, &one.token, 401).await;
    becomes(&client, &two.token, 503).await;
    // A wrong one, none, and one that cannot be read change nothing.
    let secret = "app2 app_a_token_and_not_its_hash";
    std::fs::write(&path, format!("{text}{secret}\nx\n")).expect("a wrong file");
    let errors = async |count: usize| {
        eventually("the error is logged", async || {
            let is_error = |line: &Value| line["level"] == "ERROR";
            client.log_lines().iter().filter(|line| is_error(line)).count() == count
        })
        .await;
    };
    errors(1).await;
    let lines = client.log_lines();
    let error = lines.iter().find(|line| line["level"] == "ERROR").expect("an error");
    let error = error["error"].as_str().expect("a text");
    assert!(error.contains("line 3: ") && error.contains("line 4: "), "{error}");
    assert!(!error.contains("app_a_token"), "{error}");
    std::fs::remove_file(&path).expect("it is removed");
    errors(2).await;
    std::fs::create_dir(&path).expect("a folder");
    errors(3).await;
    becomes(&client, &two.token, 503).await;
    std::fs::remove_dir(&path).expect("it is removed");
    std::fs::write(&path, &one.line).expect("a right file");
    client.signal("-HUP");
    becomes(&client, &one.token, 503).await;
    becomes(&client, &two.token, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_ends_the_start_with_one_line() {
    let world = World::new().await;
    std::fs::write(world.folder().join("tokens"), "app1 token\napp2\n").expect("a file");
    let set = [("MQTT_CLIENT_ID", "cliente1"), ("HTTP_ADDR", "127.0.0.1:0")];
    for (file, reason) in
        [("tokens", "has errors: line 1: the second word should be"), ("none", "cannot be read: ")]
    {
        let set = set.into_iter().chain([("API_TOKENS_FILE", file)]);
        let output = run_subcommand("client", world.folder(), &[], set).await;
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{text}");
        let expected = format!("API_TOKENS_FILE is {file:?}, which {reason}");
        assert!(text.starts_with(&expected) && text.lines().count() == 1, "{text}");
    }
    let output = run_subcommand("client", world.folder(), &["token", "app.1"], []).await;
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
}
