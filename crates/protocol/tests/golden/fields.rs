//! Wrong fields: missing, of the wrong type, out of range. Each is named, all at once.

use protocol::{
    AlteracaoBody, AlteracaoRequest, CarroBateria, CarroStatus, PontoDisponibilidade,
    PostosRequest, ReservaRef, ReservaRequest, ReservarBody, ServerId, read_body, read_json,
};

use crate::support::{SEED_BODY, body_with, mensagem, with, wrong_fields};

const COMMAND: &str = r#"{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,"reserva_request_id":"r0",
    "carro":{"placa":"ABC1234","modelo":"BYD","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,"taxa_descarga":0.19}}"#;

#[test]
fn every_missing_field_of_a_reservation_is_named() {
    for campo in [
        "placa",
        "modelo",
        "capacidade_bateria",
        "nivel_bateria_atual",
        "taxa_descarga",
        "posto_id",
        "server_id",
    ] {
        for absent in ["", "null"] {
            assert_eq!(wrong_fields(body_with(campo, absent)), [campo]);
            assert_eq!(mensagem(body_with(campo, absent)), "é obrigatório", "{campo}");
        }
    }
    assert_eq!(wrong_fields(read_body::<ReservarBody>(b"{}")).len(), 7);
}

#[test]
fn a_wrong_type_is_reported_with_the_right_one() {
    for (campo, json, text) in [
        ("placa", "5", "deve ser um texto, mas veio um número inteiro"),
        ("placa", "5.5", "deve ser um texto, mas veio um número com vírgula"),
        ("modelo", "true", "deve ser um texto, mas veio true ou false"),
        ("modelo", r#"["BYD"]"#, "deve ser um texto, mas veio uma lista"),
        ("capacidade_bateria", r#""44.5""#, "deve ser um número, mas veio um texto"),
        ("nivel_bateria_atual", "{}", "deve ser um número, mas veio um objeto"),
        ("taxa_descarga", "false", "deve ser um número, mas veio true ou false"),
        ("posto_id", r#""5""#, "deve ser um número inteiro, mas veio um texto"),
        ("posto_id", "5.5", "deve ser um número inteiro, mas veio um número com vírgula"),
        (
            "posto_id",
            "9223372036854775808",
            "deve ser um número inteiro, mas veio um número grande demais",
        ),
        ("server_id", "1", "deve ser um texto, mas veio um número inteiro"),
    ] {
        assert_eq!(wrong_fields(body_with(campo, json)), [campo], "{json}");
        assert_eq!(mensagem(body_with(campo, json)), text, "{campo}: {json}");
    }
}

#[test]
fn ranges_are_those_of_the_contract_to_the_edge() {
    let long = |length: usize| format!("{:?}", "é".repeat(length));
    for (campo, right, wrong) in [
        (
            "placa",
            vec![r#""ABC12""#, r#""abc-12 34""#, r#""ABCD1234""#],
            vec![r#""AB12""#, r#""ABC123456""#, r#""ABÇ1234""#, r#""""#],
        ),
        (
            "modelo",
            vec![&*long(1), &*long(120)],
            vec![r#""""#, r#""  ""#, r#""a\nb""#, &*long(121)],
        ),
        (
            "capacidade_bateria",
            vec!["22.3", "2000"],
            vec!["0", "-0.0", "-1", "2000.1", "1e308", "-1e308"],
        ),
        ("nivel_bateria_atual", vec!["0", "-0.0", "44.5"], vec!["-0.1", "44.6", "1e308"]),
        ("taxa_descarga", vec!["1e-300", "10"], vec!["0", "-0.0", "10.01", "1e308"]),
        (
            "posto_id",
            vec!["1", "9223372036854775807"],
            vec!["0", "-1", "-9223372036854775808", "1.5e0"],
        ),
        (
            "server_id",
            vec![r#""a-B_9""#],
            vec![r#""""#, r#""a/b""#, r##""#""##, r#""+""#, r#""a b""#, &*long(3)],
        ),
    ] {
        for json in right {
            assert!(body_with(campo, json).is_ok(), "{campo}: {json} was refused");
        }
        for json in wrong {
            assert_eq!(wrong_fields(body_with(campo, json)), [campo], "{json}");
        }
    }
}

#[test]
fn accepted_values_are_normalised() {
    let body = body_with("placa", r#"" abc-1d23 ""#).expect("a placa");
    assert_eq!(body.carro.placa.as_str(), "ABC1D23");
    assert_eq!(body_with("modelo", r#"" BYD ""#).expect("a model").carro.modelo.as_str(), "BYD");
    let body = body_with("nivel_bateria_atual", "-0.0").expect("an empty battery");
    assert!(body.carro.nivel_bateria_atual.get().is_sign_positive());
}

#[test]
fn four_wrong_fields_are_named_at_once() {
    let body = r#"{"placa": "A", "modelo": "", "capacidade_bateria": -1, "nivel_bateria_atual": 22.3, "taxa_descarga": "x", "posto_id": 5, "server_id": "server1"}"#;
    let read = read_body::<ReservarBody>(body.as_bytes());
    let text = read.as_ref().expect_err("four fields are wrong").to_string();
    let campos = ["placa", "modelo", "capacidade_bateria", "taxa_descarga"];
    assert_eq!(wrong_fields(read), campos);
    for campo in campos {
        assert!(text.contains(campo), "{campo} is not in {text:?}");
    }
}

#[test]
fn fim_is_after_inicio() {
    let times = |inicio: &str, fim: &str| {
        let body = with(SEED_BODY, "inicio", inicio);
        read_body::<ReservarBody>(with(&body, "fim", fim).as_bytes())
    };
    let (early, late) = (r#""2026-01-01T00:00:00Z""#, r#""2026-01-01T00:00:00.001Z""#);
    assert!(times(early, late).is_ok());
    assert!(times(early, "null").is_ok());
    assert!(times("null", late).is_ok());
    for (inicio, fim, wrong) in [
        (late, early, vec!["fim"]),
        (early, early, vec!["fim"]),
        // The same moment, written with two offsets.
        (early, r#""2025-12-31T21:00:00-03:00""#, vec!["fim"]),
        (r#""amanhã""#, "5", vec!["inicio", "fim"]),
    ] {
        assert_eq!(wrong_fields(times(inicio, fim)), wrong, "{inicio} to {fim}");
    }
}

#[test]
fn fields_of_a_commands_carro_are_named_by_their_path() {
    for (campo, json) in
        [("carro.placa", r#""A""#), ("carro.modelo", ""), ("carro.capacidade_bateria", "0")]
    {
        let payload = with(COMMAND, campo, json);
        assert_eq!(wrong_fields(read_json::<ReservaRequest>(payload.as_bytes())), [campo]);
    }
    for json in ["", "null", "5", r#""BYD""#, r#"["ABC1234","BYD",44.5,22.3,0.19]"#] {
        let payload = with(COMMAND, "carro", json);
        assert_eq!(
            wrong_fields(read_json::<ReservaRequest>(payload.as_bytes())),
            ["carro"],
            "{json}"
        );
    }
}

#[test]
fn ids_of_every_command_are_checked() {
    for (campo, json) in [
        ("request_id", ""),
        ("request_id", r#""a b""#),
        ("request_id", r#""é""#),
        ("client_id", r#""a/b""#),
        ("client_id", "7"),
        ("server_id", r##""#""##),
        ("server_id", ""),
    ] {
        let payload = with(COMMAND, campo, json);
        let payload = payload.as_bytes();
        assert_eq!(wrong_fields(read_json::<PostosRequest>(payload)), [campo], "{json}");
        assert_eq!(wrong_fields(read_json::<ReservaRequest>(payload)), [campo], "{json}");
        assert_eq!(wrong_fields(read_json::<ReservaRef>(payload)), [campo], "{json}");
        assert_eq!(wrong_fields(read_json::<AlteracaoRequest>(payload)), [campo], "{json}");
    }
    let payload = with(COMMAND, "reserva_request_id", "");
    assert_eq!(wrong_fields(read_json::<ReservaRef>(payload.as_bytes())), ["reserva_request_id"]);
}

#[test]
fn a_change_has_at_least_one_field_and_none_is_null() {
    let time = r#""2026-01-01T00:00:00Z""#;
    let command = |change: &str| {
        let ids =
            r#""request_id":"r2","client_id":"c1","server_id":"s1","reserva_request_id":"r1""#;
        let comma = if change == "{" { "" } else { "," };
        change.replacen('{', &format!("{{{ids}{comma}"), 1)
    };
    for (fields, wrong) in [
        ("", vec!["inicio"]),
        (r#""posto_id":6"#, vec![]),
        (r#""posto_id":6.0"#, vec![]),
        (r#""posto_id":null"#, vec!["posto_id"]),
        (r#""posto_id":6,"fim":null"#, vec!["fim"]),
        (r#""inicio":null,"fim":null,"posto_id":null"#, vec!["inicio", "fim", "posto_id"]),
        (r#""posto_id":0"#, vec!["posto_id"]),
        (r#""posto_id":"6""#, vec!["posto_id"]),
        (r#""inicio":"amanhã","fim":5"#, vec!["inicio", "fim"]),
        (r#""inicio":"2026-01-01T00:00:00Z","fim":"2025-12-31T21:00:00-03:00""#, vec!["fim"]),
        (r#""inicio":"2026-01-01T00:00:00Z","fim":"2026-01-01T00:00:00.001Z""#, vec![]),
    ] {
        let body = format!("{{{fields}}}");
        let payload = if fields.is_empty() { command("{") + "}" } else { command(&body) };
        let of_body = read_body::<AlteracaoBody>(body.as_bytes()).map(|_| ());
        let of_command = read_json::<AlteracaoRequest>(payload.as_bytes()).map(|_| ());
        for read in [of_body, of_command] {
            match wrong.as_slice() {
                [] => assert_eq!(read, Ok(()), "{fields}"),
                wrong => assert_eq!(wrong_fields(read), wrong, "{fields}"),
            }
        }
    }
    let misspelt = format!(r#"{{"incio":{time}}}"#);
    let wrong = wrong_fields(read_body::<AlteracaoBody>(misspelt.as_bytes()));
    assert_eq!(wrong, ["inicio", "incio"], "there is none, and one that does not exist");
    let null = read_body::<AlteracaoBody>(br#"{"fim":null}"#);
    assert!(mensagem(null).starts_with("não pode ser null"));
}

#[test]
fn filters_of_a_listing_are_checked() {
    for (campo, json) in [
        ("tipo_conector", r#""a\nb""#),
        ("disponivel", r#""sim""#),
        ("em_manutencao", "1"),
        ("tipo_conector", r#""""#),
        ("tipo_conector", "2"),
        ("limite", "0"),
        ("limite", "100001"),
        ("limite", "1.5"),
        ("limite", r#""10""#),
        ("apos", "-1"),
        ("apos", "1e400"),
        ("apos", "true"),
        ("versao", "7"),
        ("versao", r#""""#),
        ("versao", r#""a b""#),
    ] {
        let payload = with(COMMAND, campo, json);
        assert_eq!(wrong_fields(read_json::<PostosRequest>(payload.as_bytes())), [campo], "{json}");
    }
}

#[test]
fn a_carro_reports_only_of_itself() {
    let payload = br#"{"placa":"abc-1234","nivel_bateria":30,"em_carregamento":true}"#;
    for topic in ["ABC1234", "abc-1234"] {
        let status = CarroStatus::from_json(payload, topic).expect("its own topic");
        assert_eq!(status.placa.as_str(), "ABC1234");
        CarroBateria::from_json(payload, topic).expect("its own topic");
    }
    for topic in ["XYZ9876", "", "ABC12345", "+"] {
        assert_eq!(wrong_fields(CarroStatus::from_json(payload, topic)), ["placa"], "{topic:?}");
        assert_eq!(wrong_fields(CarroBateria::from_json(payload, topic)), ["placa"], "{topic:?}");
    }
    let nothing = CarroStatus::from_json(b"{}", "ABC1234");
    assert_eq!(wrong_fields(nothing), ["placa", "nivel_bateria", "em_carregamento"]);
    let wrong = br#"{"placa":"ABC1234","nivel_bateria":-1,"taxa_descarga":0}"#;
    let wrong = CarroBateria::from_json(wrong, "ABC1234");
    assert_eq!(wrong_fields(wrong), ["nivel_bateria", "taxa_descarga"]);
}

#[test]
fn a_charger_reports_only_of_itself_and_names_its_servidor() {
    let payload = br#"{"server_id":"server1","ponto_id":5,"disponivel":true}"#;
    PontoDisponibilidade::from_json(payload, "5", None).expect("its own topic");
    for topic in ["6", "05", "", "5.0", "+5"] {
        let read = PontoDisponibilidade::from_json(payload, topic, None);
        assert_eq!(wrong_fields(read), ["ponto_id"], "{topic:?}");
    }
    for (payload, wrong) in [
        (r#"{"ponto_id":5,"disponivel":true}"#, vec!["server_id"]),
        (r#"{"server_id":"s","ponto_id":0,"disponivel":true}"#, vec!["ponto_id"]),
        (r#"{"server_id":"s","ponto_id":5,"disponivel":"sim"}"#, vec!["disponivel"]),
        (
            r#"{"server_id":"s","ponto_id":5,"disponivel":true,"em_manutencao":0}"#,
            vec!["em_manutencao"],
        ),
        ("{}", vec!["server_id", "ponto_id", "disponivel"]),
    ] {
        let read = PontoDisponibilidade::from_json(payload.as_bytes(), "5", None);
        assert_eq!(wrong_fields(read), wrong, "{payload}");
    }
    // On a topic that names the servidor, the payload need not.
    let server: ServerId = "server1".parse().expect("an id");
    for payload in [
        r#"{"ponto_id":5,"disponivel":true}"#,
        r#"{"server_id":null,"ponto_id":5,"disponivel":true}"#,
    ] {
        let read = PontoDisponibilidade::from_json(payload.as_bytes(), "5", Some(&server));
        assert_eq!(read.expect("it is whole").server_id, server, "{payload}");
    }
}
