//! What the operator sees of all sessions and reservas, and may still cancel.

use serde_json::{Value, json};

use crate::running::{POSTOS, Running};
use crate::support::reservation;

const DAY: &str = "2026-01-02T00:00:00Z";

fn now() -> String {
    service::now().to_string()
}

/// Five sessions, a day apart, the first at the begin of 2026.
async fn with_sessions() -> Running {
    let home = Running::fresh().await.stop().await;
    let database = rusqlite::Connection::open(home.database()).expect("a database");
    let rows = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 4)
        INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
        SELECT n % 2 + 1, CASE WHEN n < 3 THEN 'ABC1234' ELSE 'XYZ9876' END,
               1767225600000 + n * 86400000, 2, 1767225600000 + n * 86400000 + 1, 1, 2 FROM n";
    database.execute(rows, []).expect("they are written");
    drop(database);
    home.start().await.expect("it starts again")
}

#[tokio::test]
async fn the_sessions_of_all_postos_are_filtered_and_read_page_by_page() {
    let server = with_sessions().await;
    for (query, ids) in [
        ("", vec![5, 4, 3, 2, 1]),
        ("?placa=abc-1234", vec![3, 2, 1]),
        ("?posto_id=1", vec![5, 3, 1]),
        ("?posto_id=1&placa=ABC1234", vec![3, 1]),
        (&format!("?de={DAY}"), vec![5, 4, 3, 2]),
        (&format!("?ate={DAY}"), vec![1]),
        (&format!("?de={DAY}&ate=2026-01-04T00:00:00Z&placa=ABC1234"), vec![3, 2]),
        ("?posto_id=99", vec![]),
        ("?placa=QQQ0A00", vec![]),
        ("?limite=2&antes_de=4", vec![3, 2]),
        ("?status=ativo", vec![]),
        ("?status=encerrado&posto_id=1", vec![5, 3, 1]),
    ] {
        let listing = server.get(&format!("/carregamentos{query}")).await;
        assert_eq!(listing.column("carregamentos", "id"), ids, "{query}");
    }
    let first = server.get("/carregamentos?limite=2").await.json;
    assert_eq!(first["proxima"], 4);
    assert_eq!(server.get("/carregamentos?limite=5").await.json["proxima"], Value::Null);
    let back = json!({"disponivel": true, "em_manutencao": false});
    assert_eq!(server.put("/postos/2/disponibilidade", &back).await.status, 200);
    for placa in ["NOW1A23", "NOW4B56"] {
        let posto = if placa == "NOW1A23" { 1 } else { 2 };
        let path = format!("/postos/{posto}/carregamentos");
        assert_eq!(server.post(&path, &json!({"placa": placa})).await.status, 201);
    }
    for (query, ids) in [
        ("", vec![7, 6]),
        ("&placa=NOW1A23", vec![6]),
        ("&posto_id=2", vec![7]),
        ("&limite=1", vec![7]),
        ("&antes_de=7", vec![6]),
        (&format!("&ate={DAY}"), vec![]),
    ] {
        let open = server.get(&format!("/carregamentos?status=ativo{query}")).await;
        assert_eq!(open.column("carregamentos", "id"), ids, "{query}");
    }
    let ended = server.get("/carregamentos?status=encerrado").await;
    assert_eq!(ended.column("carregamentos", "id"), vec![5, 4, 3, 2, 1]);
    // The first ended the day before, and those that are open have not ended.
    for (query, ids) in [
        (format!("?fim_de={DAY}"), vec![5, 4, 3, 2]),
        (format!("?fim_de={DAY}&status=encerrado&posto_id=1"), vec![5, 3]),
        (format!("?fim_de={DAY}&status=ativo"), vec![]),
        (format!("?fim_de={}", now()), vec![]),
        (format!("?fim_ate={DAY}"), vec![1]),
        (format!("?fim_de={DAY}&fim_ate={}", now()), vec![5, 4, 3, 2]),
    ] {
        let listing = server.get(&format!("/carregamentos{query}")).await;
        assert_eq!(listing.column("carregamentos", "id"), ids, "{query}");
    }
    let path = format!("/carregamentos.csv?fim_de={DAY}&fim_ate=2025-01-01T00:00:00Z");
    let wrong = server.get(&path).await;
    assert_eq!((wrong.status, wrong.campos()), (422, vec!["fim_de"]), "it ends before it begins");
    let energy = json!({"energia_fornecida": 0});
    let before = now();
    assert_eq!(server.put("/postos/1/carregamentos/6", &energy).await.status, 200);
    let listing = server.get(&format!("/carregamentos?fim_de={before}")).await;
    assert_eq!(listing.column("carregamentos", "id"), [6]);
    let of_posto = server.get("/postos/1/carregamentos").await.json;
    assert_eq!(server.get("/carregamentos?posto_id=1").await.json, of_posto, "they look the same");
    // Also of a posto that was removed.
    assert_eq!(server.delete("/postos/1").await.status, 204);
    assert_eq!(server.get("/carregamentos?posto_id=1").await.json, of_posto);
    assert_eq!(server.get("/postos/1/carregamentos").await.json, of_posto);
    let wrong = server.get("/carregamentos?de=ontem&limite=501&posto_id=0&posto=1&status=x").await;
    let mut campos = wrong.campos();
    campos.sort_unstable();
    assert_eq!((wrong.status, campos), (422, vec!["de", "limite", "posto", "posto_id", "status"]));
    for list in ["carregamentos", "carregamentos.csv", "reservas", "reservas.csv", "auditoria"] {
        let path = format!("/{list}?de={DAY}&ate=");
        let wrong = server.get(&format!("{path}2025-12-31T23:59:59Z")).await;
        assert_eq!((wrong.status, wrong.campos()), (422, vec!["de"]), "{list}");
        let mensagem = "A requisição tem campos inválidos: de não pode ser depois de ate.";
        assert_eq!(wrong.mensagem(), mensagem);
        assert_eq!(server.get(&format!("{path}{DAY}")).await.status, 200, "{list}");
    }
    server.stop().await;
}

/// Reservas in every state, by number, made through the file.
async fn in_every_state() -> Running {
    assert!(POSTOS.starts_with("id,"), "posto 1 is in service");
    let home = Running::fresh().await.stop().await;
    home.reserve(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let database = rusqlite::Connection::open(home.database()).expect("a database");
    for (status, motivo, free, tolerancia) in [
        ("cumprida", "NULL", "fim - 1000", 0),
        ("encerrada", "NULL", "NULL", 0),
        ("nao_compareceu", "'ausencia'", "NULL", 900_000),
        ("cancelada", "'operador'", "NULL", 0),
    ] {
        let sql = format!(
            "INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at,
                 updated_at, desde, motivo, livre_desde, preco_kwh, versao, tolerancia)
             SELECT '{status}', 1, placa, inicio - 2 * (SELECT max(id) FROM reservas) * 86400000,
                 inicio - 2 * (SELECT max(id) FROM reservas) * 86400000 + 86400000, '{status}',
                 created_at, updated_at, desde, {motivo}, NULL, 2.5, 2, {tolerancia}
             FROM reservas WHERE id = 1;
             UPDATE reservas SET livre_desde = {free} WHERE status = '{status}'"
        );
        database.execute_batch(&sql).expect("a reserva");
    }
    drop(database);
    home.start().await.expect("it starts again")
}

#[tokio::test]
async fn reservas_are_found_by_every_state_and_cancelled_only_while_active() {
    let server = in_every_state().await;
    for (status, id, cancelled) in [
        ("cumprida", 2, (409, "reserva_em_uso")),
        ("encerrada", 3, (409, "reserva_encerrada")),
        ("nao_compareceu", 4, (409, "reserva_encerrada")),
        ("ativa", 1, (200, "")),
    ] {
        let found = server.get(&format!("/reservas?status={status}")).await;
        assert_eq!(found.column("reservas", "id"), [id], "{status}");
        let answer = server.post(&format!("/reservas/{id}/cancelar"), &json!({})).await;
        assert_eq!(answer.verdict(), cancelled, "{status}");
    }
    let found = server.get("/reservas?status=cancelada").await;
    assert_eq!(found.column("reservas", "id"), [5, 1]);
    assert_eq!(found.column("reservas", "motivo"), ["operador", "operador"]);
    let wrong = server.get("/reservas?status=vencida").await;
    assert_eq!(wrong.campos(), ["status"]);
    server.stop().await;
}

#[tokio::test]
async fn files_have_every_column() {
    let server = in_every_state().await;
    let file = server.get("/reservas.csv").await.text;
    let mut lines = file.lines();
    let head = "id,posto_id,placa,inicio,fim,status,criada_em,desde,motivo,livre_desde,preco_kwh,\
        versao,tolerancia_min";
    assert_eq!(lines.next(), Some(head));
    let ends = [
        (5, "cancelada", "operador,,2.5,2,"),
        (4, "nao_compareceu", "ausencia,,2.5,2,15"),
        (3, "encerrada", ",,2.5,2,"),
        (2, "cumprida", "Z,2.5,2,"),
        (1, "ativa", ",,2,1,"),
    ];
    for (line, (id, status, end)) in lines.zip(ends) {
        let begins = line.starts_with(&format!("{id},1,ABC1234,"));
        assert!(begins && line.contains(&format!(",{status},")) && line.ends_with(end), "{line}");
    }
    let excel = server.get("/reservas.csv?formato=excel&status=cumprida").await.text;
    assert!(
        excel.contains(";desde (UTC);motivo;livre_desde (UTC);preco_kwh;versao;tolerancia_min\r\n"),
        "{excel}"
    );
    assert!(excel.ends_with(";\"2,5\";2;\r\n"), "{excel}");
    let head = "id,posto_id,placa,inicio,fim,preco_kwh,energia_fornecida,custo,reserva_id,corrigido_em\r\n";
    let home = server.stop().await;
    let database = rusqlite::Connection::open(home.database()).expect("a database");
    let insert = "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim,
            energia_fornecida, custo, reserva_id, corrigido_em)
        VALUES (1, 'ABC1234', 0, 2.5, 3600000, 2, 5, 2, 7200000)";
    database.execute(insert, []).expect("a session");
    drop(database);
    let server = home.start().await.expect("it starts again");
    let row = "1,1,ABC1234,1970-01-01T00:00:00.000Z,1970-01-01T01:00:00.000Z,2.5,2,5,2,1970-01-01T02:00:00.000Z\r\n";
    assert_eq!(server.get("/carregamentos.csv").await.text, format!("{head}{row}"));
    server.stop().await;
}
