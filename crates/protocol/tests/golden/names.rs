//! Fields that do not exist: refused by name over HTTP, tolerated over MQTT unless they must be a
//! misspelt field that is missing.

use domain::RequestedInterval;
use protocol::{
    BadMessage, CarroBateria, CarroStatus, PontoDisponibilidade, PostoPatch, PostosRequest,
    ReservaRequest, ReservarBody, fields, read_body, read_json, read_parameters,
};
use serde_json::{Value, json};

use crate::support::{SEED_BODY, body_with, mensagem, seed_carro, with, wrong_fields};

fn campos<T: std::fmt::Debug>(read: Result<T, BadMessage>) -> Value {
    json!(read.expect_err("something is wrong").campos())
}

/// The seed's body with one more field.
fn body_and(campo: &str, value: &str) -> Result<ReservarBody, BadMessage> {
    let campo = serde_json::to_string(campo).expect("JSON");
    read_body(SEED_BODY.replacen('{', &format!("{{{campo}:{value},"), 1).as_bytes())
}

#[test]
fn over_http_unknown_fields_are_refused_and_the_nearest_is_suggested() {
    for (unknown, meant) in [
        ("incio", Some("inicio")),
        ("inico", Some("inicio")),
        ("inicoi", Some("inicio")),
        ("Inicio", Some("inicio")),
        ("INICIO", Some("inicio")),
        ("início", Some("inicio")),
        ("ini\u{301}cio", Some("inicio")),
        (" inicio ", Some("inicio")),
        ("data_inicio", Some("inicio")),
        ("fin", Some("fim")),
        ("Placa", Some("placa")),
        ("plca", Some("placa")),
        ("plate", Some("placa")),
        ("model", Some("modelo")),
        ("POSTO_ID", Some("posto_id")),
        ("posto-id", Some("posto_id")),
        ("postoId", Some("posto_id")),
        ("PostoID", Some("posto_id")),
        ("posto", Some("posto_id")),
        ("ponto_id", Some("posto_id")),
        ("id_posto", None),
        ("serverId", Some("server_id")),
        ("server", Some("server_id")),
        ("capacidade", Some("capacidade_bateria")),
        ("capacidadeBateria", Some("capacidade_bateria")),
        ("nivelBateria", Some("nivel_bateria_atual")),
        ("taxa_de_descarga", Some("taxa_descarga")),
        ("fila", None),
        ("escolher", None),
        ("carro", None),
        ("cor", None),
        ("_", None),
        ("日本", None),
    ] {
        let mensagem = match meant {
            Some(meant) => format!("não existe; você quis dizer {meant}?"),
            None => "não existe".to_owned(),
        };
        for value in ["null", "5", r#""2026-11-23T12:00:00Z""#, r#"{"x":[1]}"#] {
            // A first combining mark is escaped, and so is nothing else here.
            let expected = json!([{"campo": unknown, "mensagem": mensagem}]);
            assert_eq!(campos(body_and(unknown, value)), expected, "{unknown:?}: {value}");
        }
    }
}

#[test]
fn unknown_fields_are_named_beside_all_others() {
    let body = r#"{"plca":"ABC1234","posto_id":-1,"incio":null,"modelo":"BYD","capacidade_bateria":44.5,
        "nivel_bateria_atual":22.3,"taxa_descarga":0.19,"server_id":"server1"}"#;
    let read = read_body::<ReservarBody>(body.as_bytes());
    let text = read.as_ref().expect_err("it is wrong").to_string();
    assert!(text.ends_with("incio não existe; você quis dizer inicio?"), "{text}");
    assert_eq!(
        campos(read),
        json!([
            {"campo": "placa", "mensagem": "é obrigatório"},
            {"campo": "posto_id", "mensagem": "deve ser um número inteiro positivo, mas veio -1"},
            {"campo": "plca", "mensagem": "não existe; você quis dizer placa?"},
            {"campo": "incio", "mensagem": "não existe; você quis dizer inicio?"},
        ])
    );
    let command = with(COMMAND, "carro.plca", r#""ABC1234""#);
    let nested = read_body::<ReservaRequest>(command.as_bytes());
    let mensagem = "não existe; você quis dizer placa?";
    assert_eq!(campos(nested), json!([{"campo": "carro.plca", "mensagem": mensagem}]));
    let patch = PostoPatch::from_json(r#"{"nome":"","preço_kwh":2,"id":5}"#.as_bytes());
    assert_eq!(wrong_fields(patch), ["nome", "preço_kwh", "id"]);
}

#[test]
fn what_an_answer_repeats_is_bounded_and_escaped() {
    for (unknown, shown) in [
        ("", r#""""#.to_owned()),
        ("a\nb\u{0}\u{7f}\u{202e}\u{200b}", r"a\nb\0\u{7f}\u{202e}\u{200b}".to_owned()),
        (&*"é".repeat(63), "é".repeat(63)),
        (&*"é".repeat(1 << 20), format!("{}…", "é".repeat(64))),
    ] {
        assert_eq!(wrong_fields(body_and(unknown, "1")), [shown.as_str()]);
    }
    let names = |count: usize| -> String {
        let names = (0..count).map(|number| format!(r#""x{number}":1,"#));
        SEED_BODY.replacen('{', &format!("{{{}", names.collect::<String>()), 1)
    };
    let ten = wrong_fields(read_body::<ReservarBody>(names(10).as_bytes()));
    assert_eq!(ten.len(), 10);
    for (count, last) in [(11, "nem outro campo"), (5000, "nem outros 4990 campos")] {
        let many = read_body::<ReservarBody>(names(count).as_bytes()).expect_err("unknown fields");
        let many = many.campos();
        assert_eq!(many.len(), 10);
        assert_eq!(many[9].mensagem, format!("não existe, {last}"));
    }
}

fields! {
    struct Query {
        id: i64,
        disponivel: Option<bool>,
        interval: RequestedInterval,
    }
}

#[test]
fn parameters_that_do_not_exist_are_refused_too() {
    let read = |texts: &[(&str, &str)]| {
        let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        read_parameters::<Query>(&texts.collect::<Vec<_>>(), &[])
    };
    assert!(read(&[("id", "5")]).is_ok());
    let suggested = json!([
        {"campo": "id", "mensagem": "é obrigatório"},
        {"campo": "disponivell", "mensagem": "não existe; você quis dizer disponivel?"},
        {"campo": "fila", "mensagem": "não existe"},
    ]);
    assert_eq!(campos(read(&[("disponivell", "true"), ("fila", "")])), suggested);
    assert_eq!(
        campos(read_parameters::<()>(&[("x".to_owned(), String::new())], &[]))[0]["campo"],
        "x"
    );
    assert!(read_parameters::<()>(&[], &[("id".to_owned(), "5".to_owned())]).is_ok());
}

const COMMAND: &str = r#"{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,
    "carro":{"placa":"ABC1234","modelo":"BYD","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,"taxa_descarga":0.19}}"#;

/// One message of each kind that has optional fields, with `campo` added.
fn with_unknown(campo: &str) -> [(&'static str, Result<(), BadMessage>); 4] {
    let quoted = serde_json::to_string(campo).expect("JSON");
    let and = |json: &str| json.replacen('{', &format!("{{{quoted}:null,"), 1);
    let report = r#"{"placa":"ABC1234","nivel_bateria":3}"#;
    let ponto = r#"{"server_id":"s1","ponto_id":5,"disponivel":true}"#;
    let listing = r#"{"request_id":"r1","client_id":"c1","server_id":"s1"}"#;
    [
        ("reserva", read_json::<ReservaRequest>(and(COMMAND).as_bytes()).map(drop)),
        ("postos", read_json::<PostosRequest>(and(listing).as_bytes()).map(drop)),
        ("bateria", CarroBateria::from_json(and(report).as_bytes(), "ABC1234").map(drop)),
        ("ponto", PontoDisponibilidade::from_json(and(ponto).as_bytes(), "5", None).map(drop)),
    ]
}

#[test]
fn over_mqtt_a_misspelt_field_that_is_missing_is_refused() {
    for (message, unknown, meant) in [
        ("reserva", "incio", "inicio"),
        ("reserva", "inico", "inicio"),
        ("reserva", "inciio", "inicio"),
        ("reserva", "incioo", "inicio"),
        ("reserva", "inisio", "inicio"),
        ("reserva", "iniciu", "inicio"),
        ("reserva", "Inicio", "inicio"),
        ("reserva", "INÍCIO", "inicio"),
        ("reserva", "ini\u{301}cio", "inicio"),
        ("reserva", " inicio", "inicio"),
        ("reserva", "ini-cio", "inicio"),
        ("reserva", "fin", "fim"),
        ("reserva", "fmi", "fim"),
        ("reserva", "FIM", "fim"),
        ("reserva", "fim_", "fim"),
        ("postos", "disponivell", "disponivel"),
        ("postos", "disponível", "disponivel"),
        ("postos", "disponiveis", "disponivel"),
        ("postos", "emManutencao", "em_manutencao"),
        ("postos", "em_manutenção", "em_manutencao"),
        ("postos", "tipo-conector", "tipo_conector"),
        ("postos", "tipo_connector", "tipo_conector"),
        ("postos", "limit", "limite"),
        ("postos", "após", "apos"),
        ("bateria", "taxa_decarga", "taxa_descarga"),
        ("bateria", "TaxaDescarga", "taxa_descarga"),
        ("ponto", "em_manuntencao", "em_manutencao"),
    ] {
        let mut read = with_unknown(unknown).into_iter();
        let (_, read) = read.find(|(name, _)| *name == message).expect("a message");
        let mensagem = format!("não existe; você quis dizer {meant}?");
        let expected = json!([{"campo": unknown, "mensagem": mensagem}]);
        assert_eq!(campos(read), expected, "{message}: {unknown}");
    }
}

#[test]
fn over_mqtt_everything_else_that_is_unknown_is_tolerated() {
    for unknown in [
        // Of a newer gateway, car or charger; some of these are settled.
        "app",
        "versao",
        "version",
        "lista",
        "list",
        "escolher",
        "fila",
        "potencia_minima",
        "livre_de",
        "livre_ate",
        "perto_de",
        "raio_km",
        "de",
        "ate",
        "chegou_em",
        "aviso",
        "motivo",
        "timestamp",
        "traceparent",
        "taxa_recarga",
        "taxa_carga",
        "tipo_conexao",
        "tipo_corrente",
        "em_uso",
        "em_operacao",
        "inicio_real",
        "fim_real",
        "duracao",
        "cor",
        "",
        "_",
        "日本",
    ] {
        for (message, read) in with_unknown(unknown) {
            assert_eq!(read, Ok(()), "{message}: {unknown}");
        }
    }
    // What is there need not be meant by another name.
    let command = with(COMMAND, "inicio", r#""2026-11-23T12:00:00Z""#);
    let command = with(&with(&command, "incio", "1"), "carro.plca", "2");
    let read = read_json::<ReservaRequest>(command.as_bytes()).expect("a command");
    assert_eq!(read.carro.0.placa, seed_carro().placa);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for json in ["1e9", "1e400", r#"[{"x":-1e400}]"#, r#"{"placa":"XYZ9876"}"#, &deep] {
        let command = with(COMMAND, "cor", json);
        assert!(read_json::<ReservaRequest>(command.as_bytes()).is_ok(), "{json:.40}");
        assert_eq!(wrong_fields(body_with("cor", json)), ["cor"], "{json:.40}");
    }
    let status = br#"{"placa":"ABC1234","nivel_bateria":3,"em_carregamento":false,"cor":"azul"}"#;
    CarroStatus::from_json(status, "ABC1234").expect("one field more");
}

/// For whom a carro's message is, its `Address` says alone: what is named alike, or is no id, is a field
/// of the carro's own.
#[test]
fn a_field_like_server_id_refuses_no_message_of_a_carro() {
    for (campo, json) in [
        ("serverId", r#""server1""#),
        ("Server_ID", "7"),
        ("servr_id", "null"),
        ("server_id", r#""a/b""#),
        ("server_id", "7"),
    ] {
        let added = format!(r#"{{"{campo}":{json},"placa":"ABC1234","nivel_bateria":3"#);
        let status = format!(r#"{added},"em_carregamento":true}}"#);
        let status = CarroStatus::from_json(status.as_bytes(), "ABC1234");
        assert!(status.expect("a message").em_carregamento, "{campo}: {json}");
        let bateria = format!("{added}}}");
        let bateria = CarroBateria::from_json(bateria.as_bytes(), "ABC1234");
        assert!(bateria.is_ok(), "{campo}: {json}");
    }
}

#[test]
fn no_number_of_unknown_fields_hides_a_misspelling() {
    let names: String = (0..5000).map(|number| format!(r#""x{number}":1,"#)).collect();
    let command = with(COMMAND, "incio", "1").replacen('{', &format!("{{{names}"), 1);
    let read = read_json::<ReservaRequest>(command.as_bytes());
    assert_eq!(mensagem(read), "não existe; você quis dizer inicio?");
}
