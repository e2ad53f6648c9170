//! Who may call what: every operation of the document, and every spelling of its path.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use reqwest::Method;
use serde_json::{Value, json};

use crate::running::{Home, POSTOS, Running};

/// What the contract opens to everybody. The documents and files of pages are no operations.
const PUBLIC: [(&str, &str); 7] = [
    ("get", "/"),
    ("get", "/status"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/postos"),
    ("get", "/postos/{id}"),
    ("get", "/painel"),
];
const PAGES: [&str; 4] = ["/docs", "/docs/", "/openapi.json", "/asyncapi.json"];

/// Method, path and operation of everything in the document.
fn operations() -> Vec<(String, String, Value)> {
    let document = serde_json::to_value(server::openapi()).expect("a document");
    let paths = document["paths"].as_object().expect("paths").clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations").clone();
        item.into_iter().map(move |(method, operation)| (method, path.clone(), operation))
    });
    operations.collect()
}

/// The path with something in place of its parameters.
fn filled(path: &str) -> String {
    path.replace("{placa}", "ABC1234")
        .replace("{nome}", "nenhum")
        .replace(['{', '}'], "")
        .replace("/id", "/1")
}

async fn new_token(server: &Running, nome: &str, papel: &str) -> String {
    let made = server.post("/tokens", &json!({"nome": nome, "papel": papel})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json["token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn every_operation_is_public_or_needs_a_token_of_the_right_role() {
    let server = Running::fresh().await;
    let reader = new_token(&server, "painel", "leitura").await;
    let operator = server.token();
    let (mut public, mut protected) = (Vec::new(), 0);
    for (at, (method, path, operation)) in operations().into_iter().enumerate() {
        let shown = format!("{method} {path}");
        let call: Method = method.to_uppercase().parse().expect("a method");
        // Each from an address of its own: wrong tokens hold up theirs.
        let address = [127, 1, 0, u8::try_from(at + 1).expect("few operations")];
        let status =
            async |token: &str| server.ask_from(address, token, call.clone(), &filled(&path)).await;
        let passes = |status: u16| ![401, 403, 429].contains(&status);
        let anonymous = status("").await;
        if passes(anonymous.status) {
            assert_eq!(operation["security"], json!([]), "{shown}");
            public.push((method, path));
            continue;
        }
        protected += 1;
        assert_eq!(anonymous.verdict(), (401, "nao_autenticado"), "{shown}");
        assert_eq!(anonymous.header("www-authenticate"), "Bearer", "{shown}");
        assert!(anonymous.mensagem().contains("`server token`"), "{}", anonymous.mensagem());
        assert_eq!(operation["security"], json!([{"token": []}]), "{shown}");
        for code in ["401", "403", "429"] {
            assert!(operation["responses"][code].is_object(), "{shown} documents no {code}");
        }
        let wrong = status("posto_a-wrong-token").await;
        assert_eq!(wrong.verdict(), (401, "nao_autenticado"), "{shown}");
        assert!(!wrong.text.contains("a-wrong-token"), "{}", wrong.text);
        let may_read = method == "get" && !path.starts_with("/tokens");
        let read = status(&reader).await;
        assert_eq!(passes(read.status), may_read, "{shown} with leitura: {}", read.text);
        if !may_read {
            assert_eq!(read.verdict(), (403, "nao_autorizado"), "{shown}");
            assert!(read.mensagem().contains("papel operador"), "{}", read.mensagem());
        }
        let written = status(&operator).await;
        assert!(passes(written.status), "{shown} with operador: {}", written.text);
    }
    public.sort_unstable();
    let mut listed = PUBLIC.map(|(method, path)| (method.to_owned(), path.to_owned()));
    listed.sort_unstable();
    assert_eq!(public, listed);
    assert!(protected > 15, "{protected}");
    let document = serde_json::to_value(server::openapi()).expect("a document");
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    server.stop().await;
}

/// Ways to write a path that some program on the way might take for the path.
fn spellings(path: &str) -> Vec<String> {
    let first = path.trim_start_matches('/').chars().next().map_or(0, |first| first as u32);
    let rest = path.get(2..).unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let encoded = path.replace('/', "%2F");
    let doubled = path.replace('/', "//");
    vec![
        path.to_owned(),
        format!("/{path}"),
        doubled,
        format!("{path}/"),
        format!("{path}//"),
        format!("/.{path}"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("/docs/..{path}"),
        format!("/docs/../..{path}"),
        format!("/docs/%2e%2e{path}"),
        format!("/docs/..%2F{}", path.trim_start_matches('/')),
        format!("/%2e{path}"),
        format!("/%2e%2e{path}"),
        encoded.clone(),
        format!("/{encoded}"),
        path.to_uppercase(),
        format!("/%{first:02x}{rest}"),
        format!("/%{first:02X}{rest}"),
        format!("/%25{first:02x}{rest}"),
        format!("{path};a=b"),
        format!("/;{path}"),
        format!("/;a=b{path}"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("{path}%0d%0a"),
        format!("{path}?token=x"),
        format!("{path}?access_token=x"),
        format!("{path}%3f"),
        format!("{path}.json"),
        format!("{path}.csv"),
        format!("/\\{}", path.trim_start_matches('/')),
        path.replace('/', "\\"),
        format!("/healthz{path}"),
        format!("/postos/..{path}"),
        format!("/postos/%2e%2e{path}"),
        format!("/status/../{last}"),
        format!("http://localhost{path}"),
        format!("http://localhost/{path}"),
        format!("http://localhost:1/..{path}"),
        format!("*{path}"),
        path.trim_start_matches('/').to_owned(),
    ]
}

/// The status of the answer to a request line as it is.
fn status_of(addr: SocketAddr, method: &str, target: &str, more: &str) -> u16 {
    let mut connection = TcpStream::connect(addr).expect("it listens");
    let head =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).expect("it is sent");
    let mut answer = Vec::new();
    // A target that is no HTTP may be answered before all of it is read.
    let _ = connection.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{method} {target}: {answer:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_and_no_method_leads_past_the_guard() {
    const METHODS: [&str; 10] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "get"];
    let server = Running::fresh().await;
    let before = server.get("/postos").await.text;
    let mut paths: Vec<String> =
        operations().into_iter().map(|(_, path, _)| filled(&path)).collect();
    paths.push("/nope".to_owned());
    paths.dedup();
    let mut public: Vec<String> = PUBLIC.iter().map(|(_, path)| filled(path)).collect();
    public.extend(PAGES.map(str::to_owned));
    let addr = server.addr;
    let cells = tokio::task::spawn_blocking(move || {
        let mut cells = 0;
        for path in paths {
            for spelling in spellings(&path) {
                for method in METHODS {
                    let status = status_of(addr, method, &spelling, "");
                    cells += 1;
                    // Every OPTIONS is answered as a preflight, before the routes.
                    if [400, 401, 404, 405].contains(&status) || method == "OPTIONS" {
                        continue;
                    }
                    // What passes is a public route, read: the target without what does not count.
                    let plain = spelling.trim_start_matches("http://localhost");
                    let plain = plain.split('?').next().unwrap_or_default();
                    let parts: Vec<_> = plain.split('/').filter(|part| !part.is_empty()).collect();
                    let plain = format!("/{}", parts.join("/"));
                    let is_public = public.contains(&plain) || plain.starts_with("/postos/");
                    let reads = ["GET", "HEAD"].contains(&method);
                    assert!(
                        is_public && reads && [200, 303, 308, 422, 503].contains(&status),
                        "{method} {spelling}: {status}"
                    );
                    let posto = plain.strip_prefix("/postos/").is_some_and(|id| id.contains('/'));
                    assert!(!posto, "{method} {spelling}: {status}");
                }
            }
        }
        cells
    });
    let cells = cells.await.expect("no cell is wrong");
    assert!(cells > 8_000, "{cells}");
    assert_eq!(server.get("/postos").await.text, before);
    assert_eq!(server.get("/reservas").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn what_everybody_may_read_tells_nothing_of_anyone() {
    let server = Running::fresh().await;
    let placa = json!({"placa": "QQQ0A00"});
    assert_eq!(server.post("/postos/1/carregamentos", &placa).await.status, 201);
    for (_, path) in PUBLIC {
        let answer = server.ask("", Method::GET, &filled(path)).await;
        assert!([200, 503].contains(&answer.status), "{path}");
        // The page has words for what its script may show later.
        let fields = ["placa", "request_id\":\"", "client_id"];
        let fields = fields.iter().filter(|_| path != "/painel");
        for word in fields.chain(&["QQQ0A00"]) {
            assert!(!answer.text.contains(word), "{word} in {path}: {}", answer.text);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn guessing_holds_up_its_own_address_only() {
    let server = Running::fresh().await;
    let (guesser, other) = ([127, 2, 0, 1], [127, 2, 0, 2]);
    let ask = async |from: [u8; 4], token: &str| {
        server.ask_from(from, token, Method::GET, "/reservas").await
    };
    let operator = server.token();
    for _ in 0..10 {
        assert_eq!(ask(guesser, "posto_guess").await.status, 401);
    }
    let held = ask(guesser, "posto_guess").await;
    assert_eq!(held.verdict(), (429, "requisicoes_demais"));
    assert!((1..=6).contains(&held.header("retry-after").parse::<u64>().expect("seconds")));
    assert_eq!(ask(guesser, &operator).await.status, 429, "it would tell that the guess is right");
    assert_eq!(ask(other, &operator).await.status, 200);
    // The header says nothing where no proxy is trusted.
    let forged = server.request(Method::GET, "/reservas").header("x-forwarded-for", "127.2.0.1");
    assert_eq!(server.send(forged).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn an_open_servidor_serves_programs_and_its_own_pages_alone() {
    let home = Home::with_postos(POSTOS);
    let config = home.config_with(&[("ADMIN_ABERTO", "sim")]);
    let server = home.start_with(config).await.expect("it starts");
    assert!(!server.home().token_file().exists());
    let own = format!("http://{}", server.addr);
    let port = server.addr.port();
    let evil = format!("evil.example:{port}");
    for (headers, status) in [
        (vec![], 204),
        (vec![("origin", own.as_str())], 404),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("host", evil.as_str())], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
    ] {
        let mut request = server.request(Method::DELETE, "/postos/3");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        assert_eq!(server.send(request).await.status, status, "{headers:?}");
    }
    let rebound = server.request(Method::GET, "/reservas").header("host", evil.as_str());
    let rebound = server.send(rebound).await;
    assert_eq!(rebound.verdict(), (403, "nao_autorizado"));
    server.stop().await;
}
