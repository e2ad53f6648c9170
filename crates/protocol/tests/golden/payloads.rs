//! Payloads that are no message at all, and strange ones that are.

use protocol::{
    Address, AlteracaoBody, AlteracaoRequest, CarroBateria, CarroStatus, ConsultaRequest, Origin,
    PontoDisponibilidade, PostosRequest, ReservaRef, ReservaRequest, ReservarBody, read_body,
    read_json,
};

use crate::support::{SEED_BODY, body_with, mensagem, not_json, with, wrong_fields};

/// How every reader refuses the payload, when none takes it as an object.
fn refusals(payload: &[u8]) -> [String; 11] {
    [
        not_json(read_body::<ReservarBody>(payload)),
        not_json(read_json::<ReservaRequest>(payload)),
        not_json(read_json::<ReservaRef>(payload)),
        not_json(read_json::<ConsultaRequest>(payload)),
        not_json(read_json::<PostosRequest>(payload)),
        not_json(read_body::<AlteracaoBody>(payload)),
        not_json(read_json::<AlteracaoRequest>(payload)),
        not_json(CarroStatus::from_json(payload, "ABC1234")),
        not_json(CarroBateria::from_json(payload, "ABC1234")),
        not_json(PontoDisponibilidade::from_json(payload, "5", None)),
        not_json(Address::server_id(payload)),
    ]
}

#[test]
fn payloads_that_are_no_object_are_refused() {
    let deep = "[".repeat(10_000);
    let deep_object = r#"{"placa":"#.repeat(10_000);
    for payload in [
        &b""[..],
        b"  \n",
        b"oi",
        b"{",
        b"{\"placa\":",
        b"{}{}",
        b"{'placa': 1}",
        b"null",
        b"true",
        b"5",
        b"-5",
        b"\"{}\"",
        b"[]",
        b"[{}]",
        br#"["ABC1234","BYD",44.5,22.3,0.19,5,"server1"]"#,
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        deep.as_bytes(),
        deep_object.as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(40)]).into_owned();
        for refusal in refusals(payload) {
            assert!(!refusal.is_empty(), "{shown}");
        }
        assert_eq!(Origin::find(payload), None, "{shown}");
    }
}

#[test]
fn invalid_texts_are_refused() {
    for json in [&br#"{"placa":"\ud800"}"#[..], b"{\"placa\":\"\xff\"}", br#"{"placa":"\x"}"#] {
        not_json(read_body::<ReservarBody>(json));
    }
    // Two halves of a pair are a character, here one that no placa has.
    assert_eq!(wrong_fields(body_with("placa", r#""\ud83d\ude97""#)), ["placa"]);
}

#[test]
fn what_is_wrong_with_a_carro_is_told() {
    for (carro, expected) in [
        ("5", "deve ser um objeto JSON válido: veio um número"),
        ("[]", "deve ser um objeto JSON válido: veio uma lista"),
        (r#""BYD""#, "deve ser um objeto JSON válido: veio um texto"),
        (r#"{"placa":"\ud800"}"#, "há um erro de sintaxe"),
    ] {
        let payload = format!(
            r#"{{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,"carro":{carro}}}"#
        );
        let read = read_json::<ReservaRequest>(payload.as_bytes());
        let refused = mensagem(read);
        assert!(refused.contains(expected), "{carro}: {refused}");
    }
}

#[test]
fn a_field_that_comes_twice_is_refused() {
    let twice = |values: &str| SEED_BODY.replacen('{', &format!("{{{values}, "), 1);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for values in [
        r#""posto_id": 6"#,
        r#""posto_id": 5"#,
        r#""posto_id": null"#,
        r#""posto_id": "x", "posto_id": {"a": [1]}"#,
        &format!(r#""posto_id": 5, "posto_id": {deep}"#),
    ] {
        let refused = read_body::<ReservarBody>(twice(values).as_bytes());
        let shown = &values[..values.len().min(40)];
        assert_eq!(mensagem(refused), "deve vir uma vez só", "{shown}");
    }
    // It hides nothing else, and a text that is no JSON stays none.
    let wrong = SEED_BODY.replace("ABC1234", "!").replace("44.5", "-1");
    let wrong = wrong.replacen('{', r#"{"posto_id": 6, "cor": "azul", "#, 1);
    assert_eq!(
        wrong_fields(read_body::<ReservarBody>(wrong.as_bytes())),
        ["placa", "capacidade_bateria", "posto_id", "cor"]
    );
    not_json(read_body::<ReservarBody>(twice(r#""posto_id": 6, "posto_id": [}"#).as_bytes()));
    let twice = br#"{"server_id":"server1","server_id":"server2"}"#;
    // The servidor that is named first refuses it.
    assert_eq!(Address::server_id(twice).expect("an object").as_deref(), Some("server1"));
    let wrong = wrong_fields(read_json::<ReservaRequest>(twice));
    assert!(wrong.contains(&"server_id".to_owned()), "{wrong:?}");
}

#[test]
fn an_object_that_comes_twice_and_a_field_that_does_inside_are_wrong_fields() {
    let carro = r#"{"placa":"!","placa":"ABC1234","modelo":"","capacidade_bateria":44.5,
        "nivel_bateria_atual":22.3,"taxa_descarga":0.19}"#;
    let request = |carros: &str| {
        let payload = format!(
            r#"{{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":0,{carros}}}"#
        );
        wrong_fields(read_json::<ReservaRequest>(payload.as_bytes()))
    };
    let inside = request(&format!(r#""carro":{carro}"#));
    assert_eq!(inside, ["carro.placa", "carro.modelo", "posto_id"]);
    for twice in [format!(r#""carro":{carro},"carro":{carro}"#), r#""carro":null,"carro":5"#.into()]
    {
        assert_eq!(request(&twice), ["carro", "posto_id"], "{twice}");
    }
}

#[test]
fn a_megabyte_in_a_field_is_a_wrong_field() {
    let megabyte = format!("{:?}", "A".repeat(1 << 20));
    for campo in ["placa", "modelo", "server_id"] {
        let reason = mensagem(body_with(campo, &megabyte));
        assert!(reason.len() < 200, "{campo}: the answer repeats the megabyte");
    }
    let payload = with(SEED_BODY, "request_id", &megabyte);
    assert_eq!(Origin::find(payload.as_bytes()), None);
}

#[test]
fn deep_nesting_in_a_field_is_a_wrong_field() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(wrong_fields(body_with("modelo", &deep)), ["modelo"]);
    let payload = format!(
        r#"{{"request_id":"r","client_id":"c","server_id":"s","posto_id":5,"carro":{deep}}}"#
    );
    assert_eq!(wrong_fields(read_json::<ReservaRequest>(payload.as_bytes())), ["carro"]);
}
