//! What the operator reads of a period: its bounds, its steps, and what is wrong with a question.

use serde_json::{Value, json};

use crate::running::Running;

/// Two sessions and their reservas at postos 1 and 2 on 31 January 2026 in Brasília, the second one on
/// the next day in UTC.
const HISTORY: &str = "
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
    INSERT INTO reservas (posto_id, placa, request_id, inicio, fim, status, created_at, updated_at, desde,
        livre_desde, motivo)
    VALUES (1, 'ABC1234', 'r1', 1769882400000, 1769889600000, 'cumprida', 1769882400000, 0,
            1769882400000, 1769887800000, NULL),
           (2, 'ABC1234', 'r2', 1769904000000, 1769907600000, 'cancelada', 1769904000000, 0,
            1769905800000, NULL, 'operador');
    INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
    VALUES (1, 'ABC1234', 1769882400000, 2.5, 1769887800000, 10.1, 25.25),
           (2, 'ABC1234', 1769904000000, 2.5, 1769905800000, 0.2, 0.50);
    DELETE FROM estatisticas_servico;
    INSERT INTO estatisticas_servico VALUES (1, 1769828400000, 1769914800000, 1, 0),
        (2, 1769828400000, 1769871600000, 0, 1), (2, 1769871600000, 1769914800000, 1, 0);
    INSERT INTO estatisticas_recusas VALUES (0, 491634, 'too_long', 2), (0, 491634, 'fim_in_past', 1),
        (0, 491640, 'posto_reservado', 4), (1, 491640, 'posto_reservado', 4);";

const DAY: &str = "de=2026-01-31T00:00:00-03:00&ate=2026-02-01T00:00:00-03:00";

async fn with_history() -> Running {
    let home = Running::fresh().await.stop().await;
    let database = rusqlite::Connection::open(home.database()).expect("a database");
    database.execute_batch(HISTORY).expect("it is written");
    drop(database);
    home.start().await.expect("it starts again")
}

#[tokio::test]
async fn a_day_is_counted_in_local_time() {
    let server = with_history().await;
    let answer = server.get(&format!("/estatisticas?{DAY}&por_posto=true")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let day = json!({
        "horas_de_posto": 48.0, "horas_em_servico": 36.0, "horas_em_manutencao": 12.0,
        "horas_fora_de_servico": 0.0, "horas_reservadas": 2.0, "horas_carregando": 2.0,
        "ocupacao": 0.0556, "utilizacao": 0.0556,
        "reservas": {"feitas": 2, "cumprida": 1, "encerrada": 0, "nao_compareceu": 0, "cancelada": 1,
            "motivos": {"pedido": 0, "operador": 1, "manutencao": 0, "posto_removido": 0}},
        "carregamentos": 2, "energia_fornecida": 10.3, "custo": 25.75,
        "recusas": {"requisicao_invalida": 3, "posto_reservado": 4}
    });
    assert_eq!(answer.json["total"], day);
    let bounds = json!(["2026-01-31T03:00:00.000Z", "2026-02-01T03:00:00.000Z", "dia", "-03:00"]);
    let named = ["de", "ate", "passo", "fuso"].map(|name| answer.json[name].clone());
    assert_eq!(json!(named), bounds);
    let steps = json!([{"de": bounds[0], "ate": bounds[1], "numeros": day}]);
    assert_eq!(answer.json["passos"], steps);
    let names = answer.column("postos", "nome");
    assert_eq!(names, ["Ponto 1", "Ponto 2"], "nothing is known of the third one");
    let first = &answer.json["postos"][0];
    assert_eq!((&first["posto_id"], &first["removido"]), (&json!(1), &json!(false)));
    assert_eq!(first["numeros"]["recusas"], json!({"posto_reservado": 4}));
    assert_eq!(first["numeros"]["custo"], 25.25);
    // By days of UTC, the second session is one of the next day; a plus sign may come as it is.
    for offset in ["+00:00", "%2B00:00"] {
        let answer = server.get(&format!("/estatisticas?{DAY}&fuso={offset}")).await.json;
        let costs = [0, 1].map(|step| answer["passos"][step]["numeros"]["custo"].clone());
        assert_eq!(costs, [json!(25.25), json!(0.5)], "{offset}");
        assert_eq!(answer["postos"], json!([]));
    }
    let one = server.get(&format!("/estatisticas?{DAY}&posto_id=2&passo=hora")).await.json;
    assert_eq!(one["passos"].as_array().map(Vec::len), Some(24));
    assert_eq!((&one["total"]["custo"], &one["total"]["recusas"]), (&json!(0.5), &json!({})));
    assert_eq!(server.delete("/postos/1").await.status, 204);
    let again = server.get(&format!("/estatisticas?{DAY}&por_posto=true")).await.json;
    assert_eq!((&again["total"], &again["postos"][0]["removido"]), (&day, &json!(true)));
    server.stop().await;
}

#[tokio::test]
async fn a_file_has_a_row_for_each_step() {
    let server = with_history().await;
    let head = "de,ate,horas_de_posto,horas_em_servico,horas_em_manutencao,horas_fora_de_servico,\
        horas_reservadas,horas_carregando,ocupacao,utilizacao,reservas_feitas,reservas_cumprida,\
        reservas_encerrada,reservas_nao_compareceu,reservas_cancelada,carregamentos,\
        energia_fornecida,custo,recusas\r\n";
    let file =
        server.get("/estatisticas.csv?de=2026-01-31T00:00:00-03:00&ate=2026-02-02T00:00:00-03:00");
    let rows = "2026-01-31T03:00:00.000Z,2026-02-01T03:00:00.000Z,48,36,12,0,2,2,0.0556,0.0556,2,1,0,0,1,\
        2,10.3,25.75,7\r\n\
        2026-02-01T03:00:00.000Z,2026-02-02T03:00:00.000Z,0,0,0,0,0,0,,,0,0,0,0,0,0,0,0,0\r\n";
    assert_eq!(file.await.text, format!("{head}{rows}"));
    let excel = server.get(&format!("/estatisticas.csv?{DAY}&formato=excel")).await;
    let row = "2026-01-31 03:00:00;2026-02-01 03:00:00;48;36;12;0;2;2;\"0,0556\";\"0,0556\";\
        2;1;0;0;1;2;\"10,3\";\"25,75\";7\r\n";
    assert!(excel.text.starts_with("\u{feff}de (UTC);ate (UTC);") && excel.text.ends_with(row));
    server.stop().await;
}

#[tokio::test]
async fn without_parameters_it_is_the_last_week_by_day() {
    let server = Running::fresh().await;
    // Three postos exist, and hours are shown with four decimals.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let answer = server.get("/estatisticas").await.json;
    let steps = answer["passos"].as_array().expect("steps");
    assert_eq!(
        (steps.len(), &answer["passo"], &answer["fuso"]),
        (7, &json!("dia"), &json!("-03:00"))
    );
    assert!(answer["de"].as_str().is_some_and(|de| de.ends_with("T03:00:00.000Z")), "{answer}");
    let figure = |name: &str| answer["total"][name].as_f64().expect("a number");
    assert!(figure("horas_de_posto") > 0.0, "{answer}");
    assert_eq!(figure("custo"), 0.0);
    // What is to come has not happened.
    let later = server.get("/estatisticas?de=2099-01-01T00:00:00Z&ate=2099-02-01T00:00:00Z").await;
    assert_eq!((later.status, &later.json["total"]["horas_de_posto"]), (200, &json!(0.0)));
    assert_eq!(later.json["total"]["ocupacao"], Value::Null);
    let alone = server.get("/estatisticas?ate=2026-02-01T03:00:00Z&passo=semana").await.json;
    assert_eq!(alone["de"], "2026-01-25T03:00:00.000Z", "a Sunday");
    assert_eq!(alone["passos"][0]["ate"], "2026-01-26T03:00:00.000Z");
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_parameter_is_named_with_what_is_right() {
    let server = Running::fresh().await;
    let ask = async |query: &str| server.get(&format!("/estatisticas?{query}")).await;
    let wrong =
        ask("de=ontem&ate=2026&passo=minuto&fuso=-03:30&posto_id=0&por_posto=x&desde=1").await;
    let mut campos = wrong.campos();
    campos.sort_unstable();
    let all = ["ate", "de", "desde", "fuso", "passo", "por_posto", "posto_id"];
    assert_eq!((wrong.status, campos), (422, all.to_vec()), "{}", wrong.text);
    for (query, campo, sentence) in [
        ("passo=minuto", "passo", "deve ser hora, dia, semana, mes ou ano, mas veio \"minuto\""),
        (
            "fuso=-03:30",
            "fuso",
            "deve ter horas inteiras de -12:00 a +14:00, por exemplo -03:00, mas veio \"-03:30\"",
        ),
        (
            "de=2026-02-01T00:00:00Z&ate=2026-01-31T21:00:00-03:00",
            "de",
            "deve ser antes de ate (2026-02-01T00:00:00.000Z), mas veio 2026-02-01T00:00:00.000Z",
        ),
        (
            "de=2025-01-01T00:00:00Z&ate=2026-01-01T00:00:00Z&passo=hora",
            "passo",
            "hora dá mais de 1000 passos neste período: peça passos maiores ou um período menor",
        ),
        (
            "de=1970-01-01T00:00:00Z",
            "passo",
            "dia dá mais de 1000 passos neste período: peça passos maiores ou um período menor",
        ),
    ] {
        for path in ["estatisticas", "estatisticas.csv"] {
            let wrong = server.get(&format!("/{path}?{query}")).await;
            assert_eq!((wrong.status, wrong.campos()), (422, vec![campo]), "{}", wrong.text);
            assert_eq!(wrong.json["campos"][0]["mensagem"], sentence);
        }
    }
    // Both of what is wrong by itself and of what does not go together.
    let wrong = ask("de=2026-02-01T00:00:00Z&ate=2026-01-01T00:00:00Z&posto_id=-1").await;
    assert_eq!(wrong.campos(), ["de", "posto_id"]);
    let future = ask("de=2099-01-01T00:00:00Z").await;
    assert_eq!((future.status, future.campos()), (422, vec!["de"]), "{}", future.text);
    let none = ask("posto_id=99").await;
    assert_eq!(none.verdict(), (404, "posto_inexistente"));
    assert_eq!(none.mensagem(), "O posto 99 não existe no servidor server1");
    server.stop().await;
}
