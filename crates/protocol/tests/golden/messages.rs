//! Messages to a servidor, of gateways, carros and chargers: written exactly, and read back.

use std::fmt::Debug;

use domain::{KwhPerKm, RequestedInterval, TipoConector};
use protocol::{
    AlteracaoBody, AlteracaoRequest, BadMessage, CarroBateria, CarroStatus, ConsultaRequest,
    NotNull, Object, Page, PageLimit, PageStart, PontoDisponibilidade, PostosFilter, PostosRequest,
    ReservaRef, ReservaRequest, ReservarBody, read_body, read_json,
};
use serde::Serialize;

use crate::support::{SEED_BODY, compact, id, level, placa, row_id, seed_carro, time};

/// `message` is written as `json`, to the byte, and `json` is read as `message`.
fn golden<T: Serialize + PartialEq + Debug>(
    message: &T,
    json: &str,
    read: impl Fn(&[u8]) -> Result<T, BadMessage>,
) {
    let json = compact(json);
    assert_eq!(serde_json::to_string(message).expect("it can be written"), json);
    assert_eq!(read(json.as_bytes()).as_ref(), Ok(message));
}

#[test]
fn postos_request() {
    let mut request = PostosRequest {
        request_id: id("r1"),
        client_id: id("cliente1"),
        server_id: id("server1"),
        listas: None,
        filter: PostosFilter::default(),
        page: Page::WHOLE,
        versao: None,
    };
    let json = r#"{"request_id":"r1","client_id":"cliente1","server_id":"server1"}"#;
    golden(&request, json, read_json);
    let takes_arrays = PostosRequest { listas: Some(true), ..request.clone() };
    golden(&takes_arrays, &json.replace(r#""server1""#, r#""server1","listas":true"#), read_json);
    request.filter = PostosFilter {
        disponivel: Some(true),
        em_manutencao: Some(false),
        tipo_conector: Some(TipoConector::new("Type 2").expect("a connector")),
    };
    let json = r#"{
        "request_id":"r1","client_id":"cliente1","server_id":"server1",
        "disponivel":true,"em_manutencao":false,"tipo_conector":"Type 2"
    }"#;
    golden(&request, json, read_json);
    request.filter = PostosFilter::default();
    request.page = Page {
        limite: Some(PageLimit::new(500).expect("a limit")),
        apos: Some(PageStart::new(0).expect("an id")),
    };
    let json = r#"{
        "request_id":"r1","client_id":"cliente1","server_id":"server1","limite":500,"apos":0
    }"#;
    golden(&request, json, read_json);
    request.page = Page::WHOLE;
    request.versao = Some(id("5f3a-7"));
    let json = r#"{
        "request_id":"r1","client_id":"cliente1","server_id":"server1","versao":"5f3a-7"
    }"#;
    golden(&request, json, read_json);
}

#[test]
fn the_seeds_body_becomes_the_seeds_command() {
    let body = read_body::<ReservarBody>(SEED_BODY.as_bytes()).expect("the seed's body is right");
    let request = body.into_request(id("r1"), id("cliente1"));
    assert_eq!(request.carro.0, seed_carro());
    let json = r#"{
        "request_id":"r1","client_id":"cliente1","server_id":"server1",
        "carro":{
            "placa":"ABC1234","modelo":"BYD Dolphin","capacidade_bateria":44.5,
            "nivel_bateria_atual":22.3,"taxa_descarga":0.19
        },
        "posto_id":5
    }"#;
    golden(&request, json, read_json);
}

#[test]
fn a_reservation_may_say_when() {
    let request = ReservaRequest {
        request_id: id("r1"),
        client_id: id("cliente1"),
        app: None,
        server_id: id("server1"),
        listas: None,
        carro: Object(seed_carro()),
        posto_id: row_id(5),
        interval: RequestedInterval {
            inicio: Some(time("2026-11-23T09:00:00-03:00").into()),
            fim: Some(time("2026-11-23T11:30:00-03:00").into()),
        },
    };
    let json = r#"{
        "request_id":"r1","client_id":"cliente1","server_id":"server1",
        "carro":{
            "placa":"ABC1234","modelo":"BYD Dolphin","capacidade_bateria":44.5,
            "nivel_bateria_atual":22.3,"taxa_descarga":0.19
        },
        "posto_id":5,"inicio":"2026-11-23T12:00:00.000Z","fim":"2026-11-23T14:30:00.000Z"
    }"#;
    golden(&request, json, read_json);
    let takes_arrays = ReservaRequest { listas: Some(true), ..request };
    golden(&takes_arrays, &json.replace(r#""server1""#, r#""server1","listas":true"#), read_json);
}

#[test]
fn the_content_of_a_reservation_never_changes() {
    let mut request = ReservaRequest {
        request_id: id("r1"),
        client_id: id("cliente1"),
        app: None,
        server_id: id("server1"),
        listas: None,
        carro: Object(seed_carro()),
        posto_id: row_id(5),
        interval: RequestedInterval::default(),
    };
    let content = |request: &ReservaRequest| {
        String::from_utf8(request.content().expect("it can be written")).expect("a text")
    };
    let carro = compact(
        r#"{
            "placa":"ABC1234","modelo":"BYD Dolphin","capacidade_bateria":44.5,
            "nivel_bateria_atual":22.3,"taxa_descarga":0.19
        }"#,
    );
    assert_eq!(content(&request), format!("[{carro},5,null,null]"));
    request.listas = Some(true);
    request.interval.inicio = Some(time("2026-11-23T09:00:00-03:00").into());
    assert_eq!(content(&request), format!(r#"[{carro},5,"2026-11-23T12:00:00.000Z",null]"#));
    request.app = Some(id("app1"));
    assert_eq!(
        content(&request),
        format!(r#"[[{carro},5,"2026-11-23T12:00:00.000Z",null],"app1"]"#)
    );
}

#[test]
fn cancelamento_and_consulta() {
    let asked = ReservaRef {
        request_id: id("r2"),
        client_id: id("cliente1"),
        app: None,
        server_id: id("server1"),
        listas: None,
        reserva_request_id: id("r1"),
    };
    let json = r#"{
        "request_id":"r2","client_id":"cliente1","server_id":"server1","reserva_request_id":"r1"
    }"#;
    golden(&asked, json, read_json);
    let takes_arrays = ReservaRef { listas: Some(true), ..asked.clone() };
    golden(&takes_arrays, &json.replace(r#""server1""#, r#""server1","listas":true"#), read_json);
    let asked = ReservaRef { app: Some(id("app1")), ..asked };
    let json = r#"{
        "request_id":"r2","client_id":"cliente1","app":"app1","server_id":"server1",
        "reserva_request_id":"r1"
    }"#;
    golden(&asked, json, read_json);
    let of_reserva = ConsultaRequest { asked: asked.clone(), somente_reserva: Some(true) };
    let followed = json.replace(r#""r1""#, r#""r1","somente_reserva":true"#);
    golden(&of_reserva, &followed, read_json);
    let of_any = ConsultaRequest { asked, somente_reserva: None };
    golden(&of_any, json, read_json);
    let wrong = json.replace("app1", "app.1");
    assert!(read_json::<ReservaRef>(wrong.as_bytes()).is_err(), "no id of an app");
}

/// The new times and posto of the tests.
fn change() -> AlteracaoBody {
    AlteracaoBody {
        inicio: NotNull(Some(time("2026-11-23T09:00:00-03:00").into())),
        fim: NotNull(Some(time("2026-11-23T11:30:00-03:00").into())),
        posto_id: NotNull(Some(row_id(6))),
    }
}

fn change_request() -> AlteracaoRequest {
    let asked = ReservaRef {
        request_id: id("r2"),
        client_id: id("cliente1"),
        app: None,
        server_id: id("server1"),
        listas: None,
        reserva_request_id: id("r1"),
    };
    AlteracaoRequest { asked, change: change() }
}

#[test]
fn alteracao() {
    let mut request = change_request();
    let json = r#"{
        "request_id":"r2","client_id":"cliente1","server_id":"server1","reserva_request_id":"r1",
        "inicio":"2026-11-23T12:00:00.000Z","fim":"2026-11-23T14:30:00.000Z","posto_id":6
    }"#;
    golden(&request, json, read_json);
    request.asked.listas = Some(true);
    golden(&request, &json.replace(r#""server1""#, r#""server1","listas":true"#), read_json);
    request.asked.listas = None;
    request.asked.app = Some(id("app1"));
    (request.change.inicio, request.change.fim) = (NotNull(None), NotNull(None));
    let json = r#"{
        "request_id":"r2","client_id":"cliente1","app":"app1","server_id":"server1",
        "reserva_request_id":"r1","posto_id":6
    }"#;
    golden(&request, json, read_json);
    let body = AlteracaoBody { posto_id: NotNull(None), ..change() };
    let json = r#"{"inicio":"2026-11-23T12:00:00.000Z","fim":"2026-11-23T14:30:00.000Z"}"#;
    golden(&body, json, read_body);
}

#[test]
fn the_content_of_a_change_never_changes() {
    let mut request = change_request();
    let content = |request: &AlteracaoRequest| {
        String::from_utf8(request.content().expect("it can be written")).expect("a text")
    };
    let times = r#""2026-11-23T12:00:00.000Z","2026-11-23T14:30:00.000Z""#;
    assert_eq!(content(&request), format!(r#"["r1",{times},6]"#));
    request.asked.listas = Some(true);
    (request.change.inicio, request.change.posto_id) = (NotNull(None), NotNull(None));
    assert_eq!(content(&request), r#"["r1",null,"2026-11-23T14:30:00.000Z",null]"#);
    request.asked.app = Some(id("app1"));
    assert_eq!(content(&request), r#"[["r1",null,"2026-11-23T14:30:00.000Z",null],"app1"]"#);
}

#[test]
fn carro_status() {
    let status =
        CarroStatus { placa: placa("ABC1D23"), nivel_bateria: level(30.5), em_carregamento: true };
    let json = r#"{"placa":"ABC1D23","nivel_bateria":30.5,"em_carregamento":true}"#;
    golden(&status, json, |payload| CarroStatus::from_json(payload, "ABC1D23"));
}

#[test]
fn carro_bateria() {
    let mut bateria = CarroBateria {
        placa: placa("ABC1D23"),
        nivel_bateria: level(30.5),
        taxa_descarga: Some(KwhPerKm::new(0.2).expect("a consumption")),
    };
    let read = |payload: &[u8]| CarroBateria::from_json(payload, "ABC1D23");
    golden(&bateria, r#"{"placa":"ABC1D23","nivel_bateria":30.5,"taxa_descarga":0.2}"#, read);
    bateria.taxa_descarga = None;
    golden(&bateria, r#"{"placa":"ABC1D23","nivel_bateria":30.5}"#, read);
}

#[test]
fn ponto_disponibilidade() {
    let mut ponto = PontoDisponibilidade {
        server_id: id("server1"),
        ponto_id: row_id(5),
        disponivel: false,
        em_manutencao: Some(true),
    };
    let read = |payload: &[u8]| PontoDisponibilidade::from_json(payload, "5", None);
    let json = r#"{"server_id":"server1","ponto_id":5,"disponivel":false,"em_manutencao":true}"#;
    golden(&ponto, json, read);
    ponto.em_manutencao = None;
    golden(&ponto, r#"{"server_id":"server1","ponto_id":5,"disponivel":false}"#, read);
}
