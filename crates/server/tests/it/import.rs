//! The postos of a first start.

use serde_json::json;
use server::{Config, PostosCsv, Server};

use crate::running::{Home, POSTOS, Running};

#[tokio::test]
async fn a_first_start_imports_the_file() {
    let server = Running::fresh().await;
    let listing = server.get("/postos").await;
    assert_eq!(
        listing.json["postos"],
        json!([
            {"id": 1, "nome": "Ponto 1", "localizacao": "-23.5505,-46.6333", "potencia_maxima": 22.0,
             "tipo_conector": "CCS", "preco_kwh": 2.0, "disponivel": true, "em_manutencao": false,
             "operador": {"disponivel": true, "em_manutencao": false}, "carregador": null},
            {"id": 2, "nome": "Ponto 2", "localizacao": "-23.5475,-46.6361", "potencia_maxima": 22.0,
             "tipo_conector": "CCS", "preco_kwh": 2.1, "disponivel": false, "em_manutencao": true,
             "operador": {"disponivel": true, "em_manutencao": true}, "carregador": null},
            {"id": 3, "nome": "Ponto 3", "localizacao": "-23.5614,-46.6559", "potencia_maxima": 22.0,
             "tipo_conector": "CCS", "preco_kwh": 2.2, "disponivel": false, "em_manutencao": false,
             "operador": {"disponivel": false, "em_manutencao": false}, "carregador": null},
        ])
    );
    server.stop().await;
}

#[tokio::test]
async fn a_second_start_leaves_the_database_as_it_is() {
    let server = Running::fresh().await;
    assert_eq!(server.patch("/postos/1", &json!({"nome": "Praça"})).await.status, 200);
    let home = server.stop().await;
    std::fs::write(home.csv(), "not,even,postos\n").expect("another file");
    let server = home.start().await.expect("the file is not read");
    let listing = server.get("/postos").await;
    assert_eq!(listing.column("postos", "nome"), ["Praça", "Ponto 2", "Ponto 3"]);
    server.stop().await;
}

#[tokio::test]
async fn postos_that_the_operator_removed_do_not_come_back() {
    let server = Running::fresh().await;
    for id in 1..=3 {
        assert_eq!(server.delete(&format!("/postos/{id}")).await.status, 204);
    }
    let home = server.stop().await;
    let server = home.start().await.expect("it starts again");
    assert_eq!(server.get("/postos").await.json, json!({"postos": []}));
    server.stop().await;
}

#[tokio::test]
async fn a_bad_row_is_named_and_nothing_is_imported() {
    let home = Home::with_postos(&format!("{POSTOS}4,Ponto 4,-23.5,-46.6,livre,2.0\n"));
    let path = home.csv().display().to_string();
    let config = home.config();
    let error = Server::start(config.clone()).await.err().expect("line 5 is wrong").to_string();
    let expected = format!(
        "POSTOS_CSV is {path:?}, which has 1 error; nothing was imported\n  linha 5, coluna status, valor \
         \"livre\": deve ser disponivel, indisponivel ou em_manutencao"
    );
    assert_eq!(error, expected);
    std::fs::write(home.csv(), POSTOS).expect("the file is corrected");
    let server = home.start().await.expect("it starts now");
    assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3]);
    server.stop().await;
}

#[tokio::test]
async fn the_default_file_may_be_missing_and_counts_at_any_start_until_there_was_a_posto() {
    let home = Home::new();
    let config = Config { postos_csv: PostosCsv::Default(home.csv()), ..home.config() };
    let server = Server::start(config.clone()).await.expect("it starts without postos");
    server.run_until(async {}).await.expect("an orderly end");
    std::fs::write(home.csv(), POSTOS).expect("a file");
    let server = home.start().await.expect("it starts again");
    assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3]);
    server.stop().await;
}

#[tokio::test]
async fn a_sample_stands_in_for_a_file_that_is_missing() {
    let home = Home::new();
    let config = |home: &Home| Config {
        postos_csv: PostosCsv::OrSample(home.csv(), POSTOS),
        ..home.config()
    };
    let server = Server::start(config(&home)).await.expect("it starts");
    server.run_until(async {}).await.expect("an orderly end");
    std::fs::write(home.csv(), "not,even,postos\n").expect("a file that is not read");
    let server = home.start().await.expect("it starts again");
    assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3]);
    server.stop().await;
    let home = Home::with_postos("id,nome,latitude,longitude,status\n7,Só este,0,0,disponivel\n");
    let server = Server::start(config(&home)).await.expect("it starts with its file");
    server.run_until(async {}).await.expect("an orderly end");
    let server = home.start().await.expect("it starts again");
    assert_eq!(server.get("/postos").await.column("postos", "id"), [7]);
    server.stop().await;
}

#[tokio::test]
async fn a_named_file_may_not_be_missing() {
    let home = Home::new();
    let path = home.csv().display().to_string();
    let start =
        async || Server::start(home.config()).await.err().expect("it cannot be read").to_string();
    let error = start().await;
    let refused = format!("POSTOS_CSV is {path:?}, which cannot be read: ");
    assert!(error.starts_with(&refused) && error.ends_with("it should be a CSV file"), "{error}");
    std::fs::create_dir(home.csv()).expect("a folder in its place");
    let error = start().await;
    assert!(error.starts_with(&refused) && error.contains("Docker makes one"), "{error}");
}
