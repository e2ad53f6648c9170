//! The admin API without a token.

use serde_json::Value;

use super::{exchange, request, servidor, status_of};
use crate::attack::{Guard, Tries};
use crate::harness::{Program, World};

const LOCAL: [u8; 4] = [127, 0, 0, 1];
/// What an answer says of a request that has not reached its operation.
const REFUSALS: [&str; 6] = [
    "nao_autenticado",
    "nao_autorizado",
    "rota_inexistente",
    "metodo_nao_permitido",
    "requisicao_malformada",
    "requisicoes_demais",
];

/// Ways to write a path that a program on the way might take for the path.
fn spellings(path: &str) -> Vec<String> {
    let bare = path.trim_start_matches('/');
    let (first, rest) = bare.split_at(1);
    let code = first.as_bytes()[0];
    vec![
        path.to_owned(),
        format!("/{path}"),
        path.replace('/', "//"),
        format!("{path}/"),
        format!("/.{path}"),
        format!("{path}/."),
        format!("/status/..{path}"),
        format!("/docs/..{path}"),
        format!("/%2e{path}"),
        format!("/docs/%2e%2e{path}"),
        format!("/docs/%2E%2E%2F{bare}"),
        format!("/%2f{bare}"),
        path.replace('/', "%2F"),
        format!("/%{code:02x}{rest}"),
        format!("/%{code:02X}{rest}"),
        format!("/%25{code:02x}{rest}"),
        format!("{path};a=b"),
        format!("/;a=b{path}"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("/{}", bare.to_uppercase()),
        format!("/\\{bare}"),
        format!("http://localhost{path}"),
        format!("http://localhost/{path}"),
        format!("http://evil.example{path}"),
        format!("{path}?access_token=x&token=x"),
    ]
}

/// Headers by which some programs take a request for another one, or a caller for another.
fn headers(path: &str) -> Vec<String> {
    let basic = "Authorization: Basic b3BlcmFkb3I6b3BlcmFkb3I=\r\n";
    let mut headers: Vec<String> = [
        "Authorization: Bearer \r\n",
        "Authorization: Bearer null\r\n",
        "Authorization: Bearer undefined\r\n",
        "Authorization: bearer\r\n",
        basic,
        "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n",
        "Proxy-Authorization: Bearer x\r\n",
        "Cookie: token=x; Authorization=Bearer x\r\n",
        "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n",
        "X-Forwarded-User: operador\r\nRemote-User: operador\r\nX-Remote-User: operador\r\n",
        "Connection: Authorization\r\n",
    ]
    .map(str::to_owned)
    .to_vec();
    headers.push(format!("X-Original-URL: /status\r\nX-Rewrite-URL: {path}\r\n"));
    headers
}

/// The path with something in place of its parameters.
fn filled(path: &str) -> String {
    path.replace("{placa}", "ABC1234")
        .replace("{nome}", "nenhum")
        .replace(['{', '}'], "")
        .replace("/id", "/1")
}

/// Method and path of every operation that the document says needs a token.
async fn protected(servidor: &Program) -> Vec<(String, String)> {
    let document = servidor.get("/openapi.json").await.json;
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["security"].as_array().is_some_and(|needed| !needed.is_empty()) {
                found.push((method.to_uppercase(), filled(&path)));
            }
        }
    }
    found
}

/// Whether the operation was reached, and not only a page or a refusal.
fn is_reached(answer: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let is_refused = REFUSALS.iter().any(|codigo| json["codigo"] == *codigo);
    let is_file = head.to_lowercase().contains("content-type: text/csv");
    // What everybody may read has another shape, and OPTIONS and redirections have no body.
    let is_public = body.is_empty()
        || json.is_array()
        || ["servidor", "tipo_conector", "postos"].iter().any(|name| json.get(name).is_some());
    let is_page = head.to_lowercase().contains("content-type: text/html");
    let is_done = status_of(answer) == 204;
    !is_refused && (is_done || is_file || !(is_public || is_page))
}

/// Calls every operation that needs a token, in every way that might lead past the guard.
pub(crate) async fn admin_without_token(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let open = [("ADMIN_ABERTO", "sim")];
    let set = if guard.is_removed() { open.as_slice() } else { &[] };
    let servidor = servidor(&world, guard, "", set).await;
    let operations = protected(&servidor).await;
    assert!(operations.len() > 15, "{operations:?}");
    for (method, path) in operations {
        let mut ways = Vec::new();
        for spelling in spellings(&path) {
            ways.push(request(&method, &spelling, ""));
        }
        for header in headers(&path) {
            ways.push(request(&method, &path, &header));
        }
        for other in ["HEAD", "OPTIONS", "TRACE", "get", "POST", "GET"] {
            let over =
                format!("X-HTTP-Method-Override: {method}\r\nX-Method-Override: {method}\r\n");
            ways.push(request(other, &path, &over));
        }
        // No error of a body may come before that of the token.
        let body = "Content-Type: application/json\r\nContent-Length: 2\r\n";
        ways.push(format!("{}{{}}", request(&method, &path, body)));
        let mut reached = None;
        for way in &ways {
            let answer = exchange(&servidor, LOCAL, way).await;
            if is_reached(&answer) {
                reached = Some(format!("{way:?}: {answer:?}"));
                break;
            }
        }
        let ways = ways.len();
        let shown = reached.as_deref().unwrap_or_default();
        tries.record(format!("{method} {path}, {ways} ways {shown}"), reached.is_some());
    }
    let made = servidor.get("/postos").await.json;
    let count = made["postos"].as_array().or(made.as_array()).map(Vec::len);
    if !guard.is_removed() {
        assert_eq!(count, Some(20), "{made}");
    }
    tries
}
