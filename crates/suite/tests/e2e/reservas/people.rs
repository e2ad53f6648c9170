//! Forgetting people: by `DELETE /carros/{placa}`, and after `RETENCAO_DIAS`.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Program, World, eventually, payload, seed_payload};

const KEY: &str = "a key that nobody guesses";

/// The text of an answer, whatever it is.
async fn text(program: &Program, path: &str) -> String {
    let answer = program.request(Method::GET, path).send().await.expect("an answer");
    let text = answer.text().await.expect("a text");
    assert!(!text.is_empty(), "{path}");
    text
}

/// Everything that the admin API lists.
const LISTS: [&str; 9] = [
    "/carros",
    "/reservas",
    "/reservas/1",
    "/reservas.csv",
    "/reservas.csv?formato=excel",
    "/postos/3/carregamentos",
    "/carregamentos.csv",
    "/carregamentos.csv?formato=excel",
    "/auditoria",
];

/// The files in this folder that hold a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let files =
        std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let files = files.filter(|file| file.is_file()).filter(|file| {
        let bytes = std::fs::read(file).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    });
    files.map(|file| file.display().to_string()).collect()
}

async fn is_written_anew(server: &Program) {
    let message = "the database was written anew without what was forgotten";
    eventually(message, async || server.log_lines().iter().any(|line| line["message"] == message))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_carro_is_unknown_everywhere() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    assert_eq!(server.delete("/carros/ABC1234").await.verdict(), (404, "carro_inexistente"));
    let made = client.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let refused = client.reservar(&payload("ABC1234", 5)).await;
    assert_eq!(refused.verdict(), (409, "posto_ja_reservado_para_este_carro"));
    assert_eq!(client.reservar(&payload("XYZ9876", 6)).await.status, 200);
    assert_eq!(server.delete("/carros/ABC1234").await.verdict(), (409, "carro_em_uso"));
    let (made, refused) = (made.request_id(), refused.request_id());
    let path = format!("/reservas/{made}?server_id=server1");
    let cancel = path.replace('?', "/cancelar?");
    assert_eq!(client.post(&cancel, &json!(null)).await.status, 200);
    let started = server.post("/postos/3/carregamentos", &json!({"placa": "ABC1234"})).await;
    assert_eq!(started.status, 201);
    assert_eq!(server.delete("/carros/ABC1234").await.verdict(), (409, "carro_em_uso"));
    let energy = json!({"energia_fornecida": 1.0, "confirmado": true});
    assert_eq!(server.put("/postos/3/carregamentos/1", &energy).await.status, 200);
    assert!(text(&server, "/reservas.csv").await.contains("ABC1234"), "else this shows nothing");

    assert_eq!(server.delete("/carros/abc-1234").await.status, 204);
    assert_eq!(server.delete("/carros/ABC1234").await.verdict(), (404, "carro_inexistente"));
    assert_eq!(server.get("/carros/ABC1234").await.verdict(), (404, "carro_inexistente"));
    for path in LISTS {
        let listed = text(&server, path).await;
        for forgotten in ["ABC1234", &made, &refused] {
            assert!(!listed.contains(forgotten), "{path}: {listed}");
        }
        if path.starts_with("/reservas.") || path == "/reservas" || path == "/carros" {
            assert!(listed.contains("XYZ9876"), "others are not forgotten: {path}: {listed}");
        }
    }
    for (list, path) in [("reservas", "/reservas"), ("carregamentos", "/postos/3/carregamentos")] {
        let found = server.get(path).await.json;
        let rows = found[list].as_array().expect("a list");
        assert_eq!(rows.iter().filter(|row| row["placa"].is_null()).count(), 1, "{found}");
        let by_placa = format!("{path}?placa=ABC1234");
        if list == "reservas" {
            assert_eq!(server.get(&by_placa).await.json[list], json!([]));
        }
    }
    for id in [&made, &refused] {
        let path = format!("/reservas/{id}?server_id=server1");
        assert_eq!(client.get(&path).await.verdict(), (404, "reserva_inexistente"));
        let cancelled = client.post(&path.replace('?', "/cancelar?"), &json!(null)).await;
        assert_eq!(cancelled.verdict(), (404, "reserva_inexistente"));
    }
    let repeated = client.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(repeated.verdict(), (404, "reserva_inexistente"), "{repeated:?}");
    let other = client.reservar_once(KEY, &payload("XYZ9876", 7)).await;
    assert_eq!(other.verdict(), (404, "reserva_inexistente"), "nor for another carro");
    let reservas = server.get("/reservas").await.json;
    assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(2), "no new reserva");
    // It may come back, with another request.
    assert_eq!(client.reservar(&payload("QQQ0A00", 5)).await.json["reserva"]["id"], 3);

    // The file is written anew within a minute, and at a start at once.
    assert!(server.stop().await.success());
    let server = world.server("server1").await;
    is_written_anew(&server).await;
    let data = world.database("server1");
    let data = data.parent().expect("a folder");
    for forgotten in ["ABC1234", &made, &refused] {
        assert_eq!(files_with(data, forgotten), Vec::<String>::new(), "{forgotten}");
    }
    assert!(!files_with(data, "XYZ9876").is_empty());
    for forgotten in ["ABC1234", "abc-1234"] {
        assert_eq!(files_with(world.folder(), forgotten), Vec::<String>::new(), "in a log");
    }
}

/// Moves everything in the file by so many days into the past.
fn age(database: &Path, days: i64) {
    let millis = days * 24 * 60 * 60 * 1000;
    let file = rusqlite::Connection::open(database).expect("the file");
    for sql in [
        "UPDATE reservas SET inicio = inicio - ?1, fim = fim - ?1, created_at = created_at - ?1,
                             updated_at = updated_at - ?1, desde = desde - ?1",
        "UPDATE carregamentos SET inicio = inicio - ?1, fim = fim - ?1",
        "UPDATE refusals SET decided_at = decided_at - ?1",
        "UPDATE carros SET updated_at = updated_at - ?1",
    ] {
        assert!(file.execute(sql, [millis]).expect("it is moved") > 0, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_forgets_what_ended_longer_ago_than_it_is_told() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let made = client.reservar(&seed_payload()).await;
    let cancelled = client.reservar(&payload("WWW0W00", 7)).await;
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", cancelled.request_id());
    assert_eq!(client.post(&cancel, &json!(null)).await.status, 200);
    assert_eq!(client.reservar(&payload("QQQ0A00", 5)).await.status, 409);
    server.post("/postos/3/carregamentos", &json!({"placa": "ABC1234"})).await;
    let energy = json!({"energia_fornecida": 2.0, "confirmado": true});
    assert_eq!(server.put("/postos/3/carregamentos/1", &energy).await.status, 200);
    assert!(server.stop().await.success());
    age(&world.database("server1"), 12);

    // For good, and for longer than that.
    for days in ["0", "100000", "13"] {
        let server = world.server_with("server1", &[("RETENCAO_DIAS", days)]).await;
        client.sees("server1", "online").await;
        let expected = if days == "0" { 200 } else { 409 };
        assert_eq!(client.reservar(&payload("XYZ9876", 6)).await.status, expected);
        assert!(text(&server, "/reservas.csv").await.contains("WWW0W00"), "{days}");
        assert!(server.stop().await.success());
    }
    let server = world.server_with("server1", &[("RETENCAO_DIAS", "10")]).await;
    is_written_anew(&server).await;
    client.sees("server1", "online").await;
    for path in LISTS {
        let listed = text(&server, path).await;
        for forgotten in ["ABC1234", "WWW0W00", "QQQ0A00", &made.request_id()] {
            assert!(!listed.contains(forgotten), "{path}: {listed}");
        }
    }
    let reservas = text(&server, "/reservas").await;
    assert!(reservas.contains("XYZ9876"), "it has not ended: {reservas}");
    let session = &server.get("/postos/3/carregamentos").await.json["carregamentos"][0];
    assert_eq!((&session["placa"], &session["custo"]), (&Value::Null, &json!(5.0)));
    let path = format!("/reservas/{}?server_id=server1", made.request_id());
    assert_eq!(client.get(&path).await.verdict(), (404, "reserva_inexistente"));
    let rows = server.get("/auditoria?quem=servidor&acao=esquecer").await.json;
    let rows = rows["auditoria"].as_array().expect("a list");
    let counts = json!({"carros": 2, "reservas": 2, "carregamentos": 1, "recusas": 1});
    assert_eq!((rows.len(), &rows[0]["depois"]), (1, &counts), "{rows:?}");
    let line =
        server.log_lines().into_iter().find(|line| line["message"] == "forgot what ended long ago");
    let line = line.expect("it says so");
    assert_eq!((&line["reservas"], &line["carros"]), (&json!(2), &json!(2)), "{line}");
    let data = world.database("server1");
    for forgotten in ["ABC1234", "WWW0W00", "QQQ0A00"] {
        let found = files_with(data.parent().expect("a folder"), forgotten);
        assert_eq!(found, Vec::<String>::new(), "{forgotten}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carro_is_forgotten_by_every_spelling_of_its_placa() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    for (spelling, status) in [
        ("ABC1234", 204),
        ("abc1234", 204),
        ("abc-1234", 204),
        ("%20ABC%201234%20", 204),
        ("%41BC1234", 204),
        ("ABC%E2%80%911234", 204),
        ("A-B-C-1-2-3-4", 204),
        ("ABC1234/", 204),
        ("", 405),
        ("%20", 422),
        ("ABC", 422),
        ("ABC12345678", 422),
        ("ABC%2F1234", 422),
        ("ABC%001234", 422),
        ("%FF%FE", 422),
        ("ABC_1234", 422),
        ("ÁBC1234", 422),
        (&"A".repeat(5000), 422),
        ("ZZZ9999", 404),
    ] {
        let made = client.reservar(&seed_payload()).await;
        assert_eq!(made.status, 200, "{made:?}");
        let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
        assert_eq!(client.post(&cancel, &json!(null)).await.status, 200);
        let answer = server.delete(&format!("/carros/{spelling}")).await;
        assert_eq!(answer.status, status, "{spelling}: {answer:?}");
        if status >= 400 {
            assert!(answer.json["codigo"].is_string(), "{spelling}: {answer:?}");
        }
        assert_eq!(server.get("/carros/ABC1234").await.status == 404, status == 204, "{spelling}");
    }
    let (_, lines) = server.stop_with_log().await;
    for line in lines {
        let line = line.to_string().to_uppercase().replace(['-', ' '], "");
        assert!(!line.contains("ABC1234") && !line.contains("ZZZ9999"), "{line}");
    }
}
