//! Files that the operator sends and fetches.

use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::running::{Answer, Home, POSTOS, Running};
use crate::support::{placa, reservation};

async fn import(server: &Running, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = server.request(Method::POST, &format!("/postos/importar{query}"));
    server.send(request.header(CONTENT_TYPE, "text/csv").body(file.into())).await
}

fn counts(criados: usize, alterados: usize, iguais: usize) -> Value {
    json!({"criados": criados, "alterados": alterados, "iguais": iguais, "erros": []})
}

#[tokio::test]
async fn a_file_creates_changes_and_removes_nothing() {
    let server = Running::fresh().await;
    let file = "id;nome;latitude;longitude;status;preco_kwh\r\n\
                1;Ponto 1;-23,5505;-46,6333;disponivel;2,0\r\n\
                2;Praça;-23,5475;-46,6361;indisponivel;\r\n\
                ;Sem número;0;0;disponivel;\r\n\
                10;Dez;0;0;em_manutencao;3,5\r\n";
    let simulated = import(&server, "?simular=true", file).await;
    assert_eq!((simulated.status, &simulated.json), (200, &counts(2, 1, 1)));
    assert_eq!(server.get("/postos").await.column("postos", "id"), [1, 2, 3], "nothing is written");
    let answer = import(&server, "", file).await;
    assert_eq!((answer.status, &answer.json), (200, &counts(2, 1, 1)));
    let listing = server.get("/postos").await;
    assert_eq!(listing.column("postos", "id"), [1, 2, 3, 10, 11]);
    let names = ["Ponto 1", "Praça", "Ponto 3", "Dez", "Sem número"];
    assert_eq!(listing.column("postos", "nome"), names);
    // An empty cell keeps what there is, and is the default of what is new.
    assert_eq!(listing.column("postos", "preco_kwh"), [2.0, 2.1, 2.2, 3.5, 2.5]);
    assert_eq!(listing.column("postos", "disponivel"), [true, false, false, false, true]);
    assert_eq!(listing.column("postos", "em_manutencao"), [false, false, false, true, false]);
    server.stop().await;
}

/// A file as it is compressed for the way; other codings are named.
#[tokio::test]
async fn a_file_may_arrive_in_gzip() {
    const FILE: &[u8] = b"id;nome;latitude;longitude;status\n50;Novo;-23,5;-46,6;disponivel\n";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(FILE).expect("it is packed");
    let packed = encoder.finish().expect("it is packed");
    let server = Running::fresh().await;
    let send = async |coding: &str, body: &[u8]| {
        let request = server.request(Method::POST, "/postos/importar?simular=true");
        let request = request.header(CONTENT_TYPE, "text/csv").header(CONTENT_ENCODING, coding);
        server.send(request.body(body.to_vec())).await
    };
    assert_eq!(send("gzip", &packed).await.json, counts(1, 0, 0));
    let cut = send("gzip", &packed[..packed.len() - 20]).await;
    assert_eq!(cut.verdict(), (422, "requisicao_invalida"), "{cut:?}");
    let other = send("br", FILE).await;
    assert_eq!(other.verdict(), (415, "tipo_nao_suportado"));
    assert_eq!(other.headers["accept-encoding"], "gzip, deflate, identity");
    server.stop().await;
}

#[tokio::test]
async fn a_file_with_errors_changes_nothing_and_names_each() {
    let server = Running::fresh().await;
    assert_eq!(server.delete("/postos/3").await.status, 204);
    let file = "id,nome,latitude,longitude,status\n\
                1,Outro,0,0,disponivel\n\
                3,Volta,0,0,disponivel\n\
                4,Novo,0,0,disponivel\n";
    let answer = import(&server, "", file).await;
    assert_eq!(answer.verdict(), (422, "requisicao_invalida"));
    assert_eq!(answer.mensagem(), "O arquivo tem 1 erro e nada foi importado.");
    assert_eq!(answer.campos(), ["arquivo"]);
    assert!(!answer.header("x-request-id").is_empty());
    let removed =
        "este posto foi removido, e seu número não volta: deixe a célula vazia para criar outro";
    let erro = json!({"linha": 3, "coluna": "id", "valor": "3", "mensagem": removed});
    assert_eq!(answer.json["erros"], json!([erro]));
    assert_eq!(answer.json["total_de_erros"], 1);
    assert_eq!(answer.json["criados"], 0);
    let answer = import(&server, "", format!("{file}x,,,,\n")).await;
    assert_eq!(answer.json["total_de_erros"], 5, "{}", answer.text);
    assert_eq!(server.get("/postos").await.column("postos", "nome"), ["Ponto 1", "Ponto 2"]);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_file_is_refused() {
    let server = Running::fresh().await;
    let answer = server.post("/postos/importar", &json!({})).await;
    assert_eq!(answer.verdict(), (415, "tipo_nao_suportado"));
    assert!(answer.mensagem().contains("text/csv"), "{}", answer.mensagem());
    let answer = import(&server, "", vec![b'\n'; 33 << 20]).await;
    assert_eq!(answer.verdict(), (413, "corpo_grande_demais"));
    assert!(answer.mensagem().contains("32 MiB"), "{}", answer.mensagem());
    // Longer than other bodies may be.
    let answer = import(&server, "", format!("{POSTOS}{}", "\n".repeat(1 << 20))).await;
    assert_eq!((answer.status, &answer.json), (200, &counts(0, 0, 3)));
    server.stop().await;
}

#[tokio::test]
async fn the_files_have_the_lists_filters_and_both_dialects() {
    let reservas = vec![reservation("um-pedido-0001", "ABC1234", 1, Some((876_000, 876_001)))];
    let server = Running::with_reservas(reservas).await;
    let file = server.get("/postos.csv").await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"postos-server1.csv\"");
    assert!(file.header("content-type").starts_with("text/csv; charset=utf-8"));
    assert_eq!(
        file.text,
        "id,nome,latitude,longitude,status,potencia_maxima,tipo_conector,preco_kwh\r\n\
         1,Ponto 1,-23.5505,-46.6333,disponivel,22,CCS,2\r\n\
         2,Ponto 2,-23.5475,-46.6361,em_manutencao,22,CCS,2.1\r\n\
         3,Ponto 3,-23.5614,-46.6559,indisponivel,22,CCS,2.2\r\n"
    );
    let file = server.get("/postos.csv?em_manutencao=true&formato=excel").await;
    assert_eq!(
        file.text.trim_start_matches('\u{feff}'),
        "id;nome;latitude;longitude;status;potencia_maxima;tipo_conector;preco_kwh\r\n\
         2;Ponto 2;\"-23,5475\";\"-46,6361\";em_manutencao;22;CCS;\"2,1\"\r\n"
    );
    assert_eq!(server.get("/postos.csv?formato=xls").await.campos(), ["formato"]);
    let file = server.get("/reservas.csv?placa=ABC1234&status=ativa").await;
    let mut lines = file.text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "id,posto_id,placa,inicio,fim,status,criada_em,desde,motivo,livre_desde,preco_kwh,\
             versao,tolerancia_min"
        )
    );
    let row = "1,1,ABC1234,2125-12-08T00:00:00.000Z,2125-12-08T01:00:00.000Z,ativa,";
    assert!(lines.next().is_some_and(|line| line.starts_with(row)), "{}", file.text);
    assert!(!file.text.contains("um-pedido"), "a request_id is the right to cancel");
    let file = server.get("/reservas.csv?formato=excel&posto_id=1").await;
    assert!(file.text.contains(";2125-12-08 00:00:00;2125-12-08 01:00:00;ativa;"), "{}", file.text);
    assert_eq!(server.get("/reservas.csv?status=encerrada").await.text.lines().count(), 1);
    let session = json!({"placa": placa("XYZ1234").as_str()});
    assert_eq!(server.post("/postos/1/carregamentos", &session).await.status, 201);
    let ended = json!({"energia_fornecida": 10.5, "confirmado": true});
    assert_eq!(server.put("/postos/1/carregamentos/1", &ended).await.status, 200);
    let file = server.get("/carregamentos.csv?placa=XYZ1234&de=2020-01-01T00:00:00Z").await;
    let mut lines = file.text.lines();
    let head =
        "id,posto_id,placa,inicio,fim,preco_kwh,energia_fornecida,custo,reserva_id,corrigido_em";
    assert_eq!(lines.next(), Some(head));
    assert!(lines.next().is_some_and(|line| line.contains(",2,10.5,21,")), "{}", file.text);
    let none = server.get("/carregamentos.csv?ate=2020-01-01T00:00:00Z").await;
    assert_eq!(none.text.lines().count(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_list_of_several_pages_is_one_file() {
    let home = Running::fresh().await.stop().await;
    let database = rusqlite::Connection::open(home.database()).expect("a database");
    let sessions = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)
        INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
        SELECT 1, 'ABC1234', n, 2, n + 1, 1, 2 FROM n";
    database.execute(sessions, []).expect("they are written");
    drop(database);
    let server = home.start().await.expect("it starts again");
    let file = server.get("/carregamentos.csv").await;
    let ids: Vec<_> = file.text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let expected: Vec<_> = (1..=2500).rev().map(|id: u32| id.to_string()).collect();
    assert_eq!(ids, expected);
    server.stop().await;
}

fn degrees(limit: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        (0..limit, 0..1_000_000u32).prop_map(|(whole, part)| format!("-{whole}.{part}")),
        (0..limit).prop_map(|whole| whole.to_string()),
        Just("5.".to_owned()),
        Just("-.5".to_owned()),
    ]
}

fn posto() -> impl Strategy<Value = Value> {
    let nome = prop_oneof![r#"[=+@'\-]{0,3}[ -~ãçÉ€😀]{1,20}x"#, r"[^\p{C}\p{Z}]{1,40}"];
    let power = prop_oneof![Just(22.0), 0.001..5000.0f64, (1..5000u32).prop_map(f64::from)];
    let price = prop_oneof![Just(2.5), 0.0..1000.0f64];
    let connector = prop_oneof![Just("Type 2".to_owned()), Just("=cmd|'x'".to_owned())];
    (nome, degrees(90), degrees(180), power, price, connector, any::<(bool, bool)>()).prop_map(
        |(nome, latitude, longitude, power, price, connector, (disponivel, em_manutencao))| {
            json!({
                "nome": nome, "localizacao": format!("{latitude},{longitude}"),
                "potencia_maxima": power, "preco_kwh": price, "tipo_conector": connector,
                "disponivel": disponivel, "em_manutencao": em_manutencao,
            })
        },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_imports_again_unchanged() {
    let server = Running::fresh().await;
    let mut runner = TestRunner::new(ProptestConfig { cases: 40, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&prop::collection::vec(posto(), 1..8), |postos| {
            runtime.block_on(async {
                for posto in &postos {
                    let made = server.post("/postos", posto).await;
                    prop_assert_eq!(made.status, 201, "{}: {}", posto, made.text);
                }
                let all = server.get("/postos").await.column("postos", "id").len();
                for formato in ["padrao", "excel"] {
                    let file = server.get(&format!("/postos.csv?formato={formato}")).await.text;
                    let answer = import(&server, "", file.clone()).await;
                    prop_assert_eq!(&answer.json, &counts(0, 0, all), "{}\n{}", answer.text, file);
                    for line in file.lines().skip(1) {
                        let cells = line.split([',', ';']).map(|cell| cell.trim_matches('"'));
                        let bad = cells.filter(|cell| cell.starts_with(['=', '+', '@'])).count();
                        let inner = line.matches([';', ',']).count() > 7;
                        prop_assert!(bad == 0 || inner, "a formula: {}", line);
                    }
                }
                Ok(())
            })
        })
    });
    outcome.expect("every file imports again");
    server.stop().await;
}

/// How long an import takes, and a write beside it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: cargo test --release -p server --test it speed_of -- --ignored --nocapture"]
async fn speed_of_importing_a_hundred_thousand_postos() {
    let server = Home::with_postos(POSTOS).start().await.expect("it starts");
    let file = |price: &str| {
        let rows = (1..=100_000).map(|id| {
            format!("{id};Posto da Praça {id};-23,5505;-46,6333;disponivel;22,5;CCS;{price}\r\n")
        });
        let head = "id;nome;latitude;longitude;status;potencia_maxima;tipo_conector;preco_kwh\r\n";
        format!("{head}{}", rows.collect::<String>())
    };
    let read = Instant::now();
    let rows = server::read_postos(file("2,5").as_bytes()).expect("a good file").len();
    println!("reading {rows} rows: {:?}", read.elapsed());
    for (what, price) in [("new", "2,5"), ("the same", "2,5"), ("all changed", "2,6")] {
        let is_done = Cell::new(false);
        let importing = async {
            let begun = Instant::now();
            let answer = import(&server, "", file(price)).await;
            is_done.set(true);
            (begun.elapsed(), answer.text)
        };
        let others = async {
            let mut longest = Duration::ZERO;
            while !is_done.get() {
                let begun = Instant::now();
                let patch = server.patch("/postos/1", &json!({"nome": "Ponto"})).await;
                assert_eq!(patch.status, 200);
                longest = longest.max(begun.elapsed());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            longest
        };
        let ((took, text), longest) = tokio::join!(importing, others);
        println!("{what}: {took:?}; the longest wait of another write: {longest:?}; {text}");
    }
    let begun = Instant::now();
    let length = server.get("/postos.csv").await.text.len();
    println!("exporting {length} bytes: {:?}", begun.elapsed());
    server.stop().await;
}

/// A spreadsheet drops zeros at the ends of numbers.
#[tokio::test]
async fn a_file_that_went_through_a_spreadsheet_changes_what_was_changed_there() {
    let server = Running::fresh().await;
    let file = "id;nome;latitude;longitude;status;preco_kwh\n\
                20;Vinte;-23,5430;-46,6420;disponivel;2,10\n\
                21;Vinte e um;-23,0000;-46,6000;disponivel;2,10\n";
    assert_eq!(import(&server, "", file).await.json, counts(2, 0, 0));
    let saved = file.replace("430", "43").replace("420", "42").replace(",0000", "");
    let saved = saved.replace("6000", "6").replace("2,10", "2,1");
    assert_eq!(import(&server, "?simular=true", saved.clone()).await.json, counts(0, 0, 2));
    let dearer = saved.replace("46,6;disponivel;2,1", "46,6;disponivel;2,3");
    assert_eq!(import(&server, "", dearer).await.json, counts(0, 1, 1));
    let posto = server.get("/postos/21").await.json;
    assert_eq!(
        (&posto["preco_kwh"], &posto["localizacao"]),
        (&json!(2.3), &json!("-23.0000,-46.6000"))
    );
    let audit = server.get("/auditoria?alvo=posto/21&limite=1").await.json;
    assert_eq!(audit["auditoria"][0]["depois"], json!({"preco_kwh": 2.3}));
    let moved = saved.replace("-23,543;", "-23,544;");
    assert_eq!(import(&server, "?simular=true", moved).await.json, counts(0, 2, 0));
    server.stop().await;
}
