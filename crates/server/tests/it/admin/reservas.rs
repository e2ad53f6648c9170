//! Reservas and their carros.

use std::time::Duration;

use domain::{Moment, RequestedInterval};
use protocol::Timestamp;
use serde_json::{Value, json};
use server::store::Reserve;

use crate::running::Running;
use crate::support::{HOUR, reservation};

/// Reserva `number` of posto 1, each for another hour in the future.
fn hour(number: i64, placa: &str) -> Reserve {
    let mut reservation = reservation(&format!("r{number}"), placa, 1, None);
    let moment = |hours: i64| Moment::from_millis(service::now().as_millis() + hours * HOUR);
    let (inicio, fim) = (Some(moment(number)), Some(moment(number + 1)));
    reservation.command.interval = RequestedInterval { inicio, fim };
    reservation
}

#[tokio::test]
async fn reservas_are_listed_newest_first_page_by_page() {
    // Odd and even numbers have different placas.
    let placas = ["EVE0000", "ODD1111"];
    let all = (1..=5).map(|number| hour(number * 2, placas[number as usize % 2])).collect();
    let server = Running::with_reservas(all).await;

    let first = server.get("/reservas?limite=2").await;
    assert_eq!(first.column("reservas", "id"), [5, 4]);
    assert_eq!(first.json["proxima"], 4);
    let second = server.get("/reservas?limite=2&antes_de=4").await;
    assert_eq!(second.column("reservas", "id"), [3, 2]);
    let last = server.get("/reservas?limite=2&antes_de=2").await;
    assert_eq!(last.column("reservas", "id"), [1]);
    assert_eq!(last.json["proxima"], Value::Null);
    let exactly_all = server.get("/reservas?limite=5").await;
    assert_eq!(exactly_all.json["proxima"], Value::Null);

    assert_eq!(server.post("/reservas/2/cancelar", &json!({})).await.status, 200);
    for (query, ids) in [
        ("", vec![5, 4, 3, 2, 1]),
        ("?placa=odd-1111", vec![5, 3, 1]),
        ("?placa=EVE0000&status=ativa", vec![4]),
        ("?status=cancelada", vec![2]),
        ("?status=encerrada", vec![]),
        ("?posto_id=1&limite=1", vec![5]),
        ("?posto_id=2", vec![]),
    ] {
        let listing = server.get(&format!("/reservas{query}")).await;
        assert_eq!(listing.column("reservas", "id"), ids, "{query}");
    }
    // They begin 2, 4, 6, 8 and 10 hours from now, and last an hour.
    let hours = |hours: i64| {
        let moment = Moment::from_millis(service::now().as_millis() + hours * HOUR);
        Timestamp::from(moment).to_string()
    };
    let (three, four_and_a_bit, eight) = (hours(3), hours(4), hours(8));
    for (query, ids) in [
        (format!("?de={four_and_a_bit}"), vec![5, 4, 3, 2]),
        (format!("?ate={eight}"), vec![4, 3, 2, 1]),
        (format!("?de={three}&ate={eight}&status=ativa"), vec![4, 3]),
        (format!("?ate={three}&placa=EVE0000"), vec![]),
        ("?de=2026-01-01T00:00:00Z&limite=2".to_owned(), vec![5, 4]),
        ("?ate=2026-01-01T00:00:00Z".to_owned(), vec![]),
    ] {
        let listing = server.get(&format!("/reservas{query}")).await;
        assert_eq!(listing.column("reservas", "id"), ids, "{query}");
        let file = server.get(&format!("/reservas.csv{query}").replace("&limite=2", "")).await;
        let lines = file.text.lines().count() - 1;
        assert!(lines == ids.len() || query.contains("limite"), "{query}: {}", file.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_reserva_is_shown_with_the_request_that_made_it() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let shown = server.get("/reservas/1").await.json;
    let [inicio, fim, made] = ["inicio", "fim", "criada_em"].map(|member| shown[member].clone());
    assert_eq!(inicio, made);
    assert_eq!(
        shown,
        json!({
            "id": 1, "posto_id": 1, "placa": "ABC1234", "inicio": inicio, "fim": fim,
            "status": "ativa", "desde": made, "preco_kwh": 2.0, "versao": 1,
            "request_id": "r1", "criada_em": made
        })
    );
    assert_eq!(server.get("/reservas").await.json["reservas"], json!([shown]));
    server.stop().await;
}

#[tokio::test]
async fn cancelling_frees_the_posto_and_can_be_repeated() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    assert_eq!(server.get("/postos/1").await.json["disponivel"], false);
    for _ in 0..2 {
        let answer = server.post("/reservas/1/cancelar", &json!({})).await;
        assert_eq!((answer.status, &answer.json["status"]), (200, &json!("sucesso")));
        assert_eq!(answer.mensagem(), "A reserva 1 do carro de placa ABC1234 foi cancelada.");
        assert_eq!(answer.json["reserva"]["status"], "cancelada");
        assert_eq!(answer.json["reserva"]["motivo"], "operador");
        assert_eq!(answer.json["reserva"]["versao"], 2);
        assert_ne!(answer.json["request_id"], json!(null));
        assert_ne!(answer.json["request_id"], answer.header("x-request-id"));
    }
    assert_eq!(server.get("/postos/1").await.json["disponivel"], true);
    server.stop().await;
}

#[tokio::test]
async fn a_reserva_that_has_ended_cannot_be_cancelled() {
    let mut short = reservation("r1", "ABC1234", 1, None);
    // Long enough for a servidor to be made and it in it, and soon over.
    let fim = Moment::from_millis(service::now().as_millis() + 4000);
    short.command.interval = RequestedInterval { inicio: None, fim: Some(fim) };
    let server = Running::with_reservas(vec![short]).await;
    let over = fim.as_millis() - service::now().as_millis();
    tokio::time::sleep(Duration::from_millis(over.max(0).unsigned_abs())).await;
    assert_eq!(server.get("/reservas/1").await.json["status"], "encerrada");
    let refused = server.post("/reservas/1/cancelar", &json!({})).await;
    assert_eq!(refused.verdict(), (409, "reserva_encerrada"));
    assert_eq!(server.get("/postos/1").await.json["disponivel"], true);
    server.stop().await;
}

#[tokio::test]
async fn carros_are_known_from_their_reservas_page_by_page() {
    let all = ["CCC3333", "AAA1111", "BBB2222"].into_iter().zip(1_i64..);
    let all = all.map(|(placa, number)| hour(number * 2, placa)).collect();
    let server = Running::with_reservas(all).await;
    let first = server.get("/carros?limite=2").await;
    assert_eq!(first.column("carros", "placa"), ["AAA1111", "BBB2222"]);
    assert_eq!(first.json["proxima"], "BBB2222");
    let last = server.get("/carros?limite=2&apos=bbb-2222").await;
    assert_eq!(last.column("carros", "placa"), ["CCC3333"]);
    assert_eq!(last.json["proxima"], Value::Null);

    let shown = server.get("/carros/aaa-1111").await.json;
    let updated = shown["atualizado_em"].clone();
    assert!(updated.is_string());
    assert_eq!(
        shown,
        json!({
            "placa": "AAA1111", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
            "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "em_carregamento": false,
            "atualizado_em": updated
        })
    );
    server.stop().await;
}
