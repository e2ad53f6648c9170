//! Texts that a spreadsheet, a terminal, a browser or a reader of logs may take for something else,
//! and ids that are too long.

use reqwest::Method;
use serde_json::{Value, json};

use super::{bearer, exchange, gateway, request, servidor, status_of};
use crate::attack::{Guard, Tries};
use crate::harness::{Program, World, payload, seed_payload};

const LOCAL: [u8; 4] = [127, 0, 0, 1];
/// Of cells, in some dialect.
const SEPARATORS: [char; 5] = [',', ';', '\t', '\r', '\n'];
/// What a spreadsheet takes for a formula, at once or as its dialect parts the line.
const FORMULAS: [&str; 9] = [
    "=HYPERLINK(\"http://evil.example/\",\"Ponto 5\")",
    "=cmd|'/C calc'!A0",
    "+1+cmd|'/C calc'!A0",
    "-1+1",
    "@SUM(1+1)",
    "Ponto;=1+1;5",
    "Ponto,=1+1,5",
    "Ponto;@SUM(1+1)",
    "\"Ponto\";+1+1",
];
/// What must be refused, or written so that nobody takes it for more than a text.
const HOSTILE: [&str; 8] = [
    "</script><script>alert(1)</script>",
    "\u{1b}[2J\u{1b}[31mPonto",
    "Ponto\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "Ponto\n99,x,0,0,disponivel",
    "\t=1+1",
    "\r=1+1",
    "Ponto\0",
    "\u{9b}31mPonto",
];

fn posto(nome: &str, tipo_conector: &str) -> Value {
    json!({"nome": nome, "localizacao": "-23.5540,-46.6370", "tipo_conector": tipo_conector})
}

/// Whether a program that parts cells in any dialect, and looks at no quotes, sees a formula.
fn has_formula(file: &str) -> bool {
    file.split(SEPARATORS).map(|cell| cell.trim_start_matches(['"', '\u{feff}'])).any(|cell| {
        let is_number = cell.replace(',', ".").parse::<f64>().is_ok();
        cell.starts_with(['=', '+', '-', '@']) && !is_number
    })
}

async fn text_of(program: &Program, path: &str) -> String {
    let answer = program.request(Method::GET, path).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.expect("a text")
}

/// Gives postos names that are formulas, or controls of a terminal, or parts of a page or of a log.
pub(crate) async fn injection_into_exports_and_logs(guard: Guard) -> Tries {
    let mut tries = Tries::default();
    for text in FORMULAS {
        let world = World::new().await;
        world.seed_postos("server1", 1);
        let servidor = servidor(&world, guard, "RawCells", &[]).await;
        for (nome, connector) in [(text, "CCS"), ("Ponto", text)] {
            // A connector may not be as long as a name.
            let made = servidor.post("/postos", &posto(nome, connector)).await;
            assert!(made.status == 201 || connector.len() > 40, "{made:?}");
        }
        for path in ["/postos.csv", "/postos.csv?formato=excel"] {
            let file = text_of(&servidor, path).await;
            tries.record(format!("{text:?} in {path}: {file}"), has_formula(&file));
        }
        if !guard.is_removed() {
            imports_unchanged(&servidor).await;
        }
    }
    if !guard.is_removed() {
        hostile_texts_stay_texts().await;
    }
    tries
}

/// What was written with a guard is read without it.
async fn imports_unchanged(servidor: &Program) {
    for path in ["/postos.csv", "/postos.csv?formato=excel"] {
        let file = text_of(servidor, path).await;
        let import = servidor.request(Method::POST, "/postos/importar");
        let import = import.header("Content-Type", "text/csv").body(file.clone());
        let done: Value = import.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!((&done["criados"], &done["alterados"]), (&json!(0), &json!(0)), "{done} {file}");
    }
}

async fn hostile_texts_stay_texts() {
    let world = World::new().await;
    let servidor = servidor(&world, Guard::InPlace, "", &[]).await;
    let gateway = gateway(&world, Guard::InPlace, "", &[]).await;
    gateway.sees("server1", "online").await;
    for text in HOSTILE {
        let is_control = text.chars().any(char::is_control);
        let made = servidor.post("/postos", &posto(text, "CCS")).await;
        assert_eq!(made.status, if is_control { 422 } else { 201 }, "{text:?}: {made:?}");
        let mut body = seed_payload();
        for field in ["placa", "modelo", "server_id"] {
            body[field] = json!(text);
            let asked = gateway.request(Method::POST, "/reservar").json(&body);
            harmless(asked.send().await.expect("an answer")).await;
        }
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let query = format!("server_id={encoded}&tipo_conector={encoded}&{encoded}=1");
        for program in [&gateway, &servidor] {
            let asked = program.request(Method::GET, &format!("/postos?{query}"));
            harmless(asked.send().await.expect("an answer")).await;
        }
        for path in [format!("/{encoded}"), format!("/carros/{encoded}")] {
            let asked = servidor.request(Method::GET, &path);
            harmless(asked.send().await.expect("an answer")).await;
        }
        let named = format!("X-Request-Id: {}\r\n", text.replace(['\r', '\n', '\0'], ""));
        for program in [&gateway, &servidor] {
            exchange(program, LOCAL, request("GET", "/status", &named)).await;
        }
    }
    for program in [gateway, servidor] {
        let log = program.log.clone();
        assert!(program.stop().await.success());
        let log = std::fs::read_to_string(log).expect("a log");
        assert!(!log.contains("forged"), "{log}");
        for line in log.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{line:?}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}

/// No browser takes the answer for a page or a script, and no terminal for its controls.
async fn harmless(answer: reqwest::Response) {
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    let text = answer.text().await.expect("a text");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// Gives ids that fill the logs, or are too long for a topic, a column or a file.
pub(crate) async fn oversized_ids_over_http(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let servidor = servidor(&world, guard, "LongNames", &[]).await;
    let gateway = gateway(&world, guard, "LongNames", &[]).await;
    gateway.sees("server1", "online").await;
    let long = "x".repeat(8_000);
    for (name, program) in [("a servidor", &servidor), ("a gateway", &gateway)] {
        for length in [129, 1_000, long.len()] {
            let before = program.log_lines().len();
            let named = format!("X-Request-Id: {}\r\n", &long[..length]);
            let answer = exchange(program, LOCAL, request("GET", "/status", &named)).await;
            assert_eq!(status_of(&answer), 200, "{answer}");
            let is_named = |line: &Value| line.to_string().contains(&long[..129]);
            let is_logged =
                guard.sees(async || program.log_lines().iter().skip(before).any(is_named)).await;
            let way = format!("the name of an exchange, {length} characters, at {name}");
            tries.record(way, is_logged || answer.contains(&long[..129]));
        }
    }
    if !guard.is_removed() {
        others_are_refused(&servidor, &gateway, &long).await;
    }
    tries
}

async fn others_are_refused(servidor: &Program, gateway: &Program, long: &str) {
    for length in [65, 129, long.len()] {
        let id = &long[..length];
        let mut body = payload(id, 1);
        assert_eq!(gateway.reservar(&body).await.status, 422, "placa");
        body = seed_payload();
        body["server_id"] = json!(id);
        assert_eq!(gateway.reservar(&body).await.status, 422, "server_id");
        body = seed_payload();
        body["modelo"] = json!(format!("{id}{id}"));
        assert_eq!(gateway.reservar(&body).await.status, 422, "modelo");
        let path = format!("/postos?server_id={id}");
        assert_eq!(gateway.get(&path).await.status, 422, "{path}");
        let path = format!("/reservas/{id}{id}?server_id=server1");
        assert_eq!(gateway.get(&path).await.status, 422, "{path}");
        let keyed = gateway.reservar_once(&format!("{id}{long}"), &seed_payload()).await;
        assert_eq!(keyed.status, 422, "Idempotency-Key");
        let token = json!({"nome": id, "papel": "leitura"});
        assert_eq!(servidor.post("/tokens", &token).await.status, 422, "nome");
        for path in ["/postos", "/reservas"] {
            let digits = "9".repeat(length);
            let status = servidor.get(&format!("{path}/{digits}")).await.status;
            assert!([404, 422].contains(&status), "{path}: {status}");
        }
        for path in ["/carros", "/tokens"] {
            let status = servidor.delete(&format!("{path}/{id}")).await.status;
            assert!([404, 422].contains(&status), "{path}: {status}");
        }
        let token = exchange(servidor, LOCAL, request("GET", "/reservas", &bearer(id))).await;
        assert_eq!(status_of(&token), 401, "a token");
    }
    for program in [servidor, gateway] {
        let longest = program.log_lines().iter().map(|line| line.to_string().len()).max();
        assert!(longest < Some(2_000), "{longest:?}");
        assert_eq!(program.get("/readyz").await.status, 200);
    }
    assert_eq!(gateway.reservar(&seed_payload()).await.status, 200);
}
