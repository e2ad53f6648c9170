//! Payloads that are no message at all, and strange ones that are.

use protocol::{
    Address, CarroBateria, CarroStatus, Origin, PontoDisponibilidade, PostoBody, PostoPatch,
    PostosRequest, ReservaRef, ReservaRequest, ReservarBody, read_json, read_texts,
};

use crate::support::{SEED_BODY, body_with, mensagem, not_json, with, wrong_fields};

/// How every reader refuses the payload, when none takes it as an object.
fn refusals(payload: &[u8]) -> [String; 8] {
    [
        not_json(read_json::<ReservarBody>(payload)),
        not_json(read_json::<ReservaRequest>(payload)),
        not_json(read_json::<ReservaRef>(payload)),
        not_json(read_json::<PostosRequest>(payload)),
        not_json(CarroStatus::from_json(payload, "ABC1234")),
        not_json(CarroBateria::from_json(payload, "ABC1234")),
        not_json(PontoDisponibilidade::from_json(payload, "5")),
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
        not_json(read_json::<ReservarBody>(json));
    }
    // Two halves of a pair are a character, here one that no placa has.
    assert_eq!(wrong_fields(body_with("placa", r#""\ud83d\ude97""#)), ["placa"]);
}

#[test]
fn every_number_is_told_by_its_field() {
    let (integer, positive) = ("deve ser um número inteiro", "deve ser um número inteiro positivo");
    let too_large = "mas veio um número grande demais";
    let (nines, long) = ("9".repeat(20), "9".repeat(400));
    for (campo, json, expected) in [
        ("posto_id", "1E5", Ok(())),
        ("posto_id", "5.0", Ok(())),
        ("posto_id", "50e-1", Ok(())),
        ("posto_id", "9007199254740993", Ok(())),
        ("posto_id", "9007199254740991.0", Ok(())),
        // A fraction this large is the same number as its neighbours.
        ("posto_id", "9007199254740993.0", Err(too_large)),
        ("posto_id", "5.5", Err("mas veio um número com vírgula")),
        ("posto_id", "5e-400", Err(positive)),
        ("posto_id", "-0", Err(positive)),
        ("posto_id", "-5", Err(positive)),
        ("posto_id", "-5.0", Err(positive)),
        ("posto_id", "1e300", Err(too_large)),
        ("posto_id", "1e400", Err(too_large)),
        ("posto_id", "-1E+99999999999", Err(too_large)),
        ("posto_id", &nines, Err(too_large)),
        ("posto_id", &long, Err(too_large)),
        ("posto_id", "[1e400]", Err(integer)),
        ("capacidade_bateria", "4.45e1", Ok(())),
        ("capacidade_bateria", "1e400", Err("no máximo 2000")),
        ("capacidade_bateria", "-1e400", Err("no máximo 2000")),
        ("capacidade_bateria", &long, Err("no máximo 2000")),
        ("nivel_bateria_atual", "-0", Ok(())),
        ("nivel_bateria_atual", "2e400", Err("44.5")),
        ("nivel_bateria_atual", "-1e400", Err("44.5")),
        ("taxa_descarga", "1e400", Err("no máximo 10")),
        ("placa", "1e400", Err(too_large)),
        ("placa", "5.0", Err("mas veio um número inteiro")),
        ("modelo", r#"{"x":1e400}"#, Err("mas veio um objeto")),
        ("server_id", "-1e400", Err(too_large)),
        ("inicio", "1e400", Err(too_large)),
        ("cor", r#"[{"x":-1e400}]"#, Ok(())),
    ] {
        let command = format!(
            r#"{{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,"carro":{}}}"#,
            with(SEED_BODY, "posto_id", "")
        );
        let is_commands_own = ["posto_id", "server_id", "inicio", "cor"].contains(&campo);
        let path = if is_commands_own { campo.to_owned() } else { format!("carro.{campo}") };
        let by_mqtt = read_json::<ReservaRequest>(with(&command, &path, json).as_bytes());
        let by_http = body_with(campo, json);
        let Err(expected) = expected else {
            assert!(by_http.is_ok(), "{campo}: {json:.40}: {by_http:?}");
            assert!(by_mqtt.is_ok(), "{campo}: {json:.40}: {by_mqtt:?}");
            continue;
        };
        for (read, campo) in [(by_http.map(drop), campo), (by_mqtt.map(drop), &path)] {
            assert_eq!(wrong_fields(read.clone()), [campo], "{json:.40}");
            let mensagem = mensagem(read);
            assert!(mensagem.contains(expected), "{campo}: {json:.40}: {mensagem}");
            assert!(mensagem.len() < 200, "{campo}: the answer repeats the number");
        }
    }
    for json in ["NaN", "Infinity", "1e", "1.e400", "01e400", "--1e400", "+1"] {
        let at = format!(r#"{{"posto_id": {json}}}"#);
        assert!(read_json::<ReservarBody>(at.as_bytes()).is_err(), "{json}");
    }
    not_json(body_with("posto_id", "NaN"));
    // The error after the number is told where it is.
    let broken = read_json::<ReservarBody>(b"{\"posto_id\":1e400,\n  \"placa\":}");
    assert_eq!(not_json(broken), "há um erro de sintaxe na linha 2, coluna 11");
}

#[test]
fn reports_and_changes_tell_a_number_by_its_field_too() {
    let status = br#"{"placa":"ABC1234","nivel_bateria":1e400,"em_carregamento":true}"#;
    assert_eq!(wrong_fields(CarroStatus::from_json(status, "ABC1234")), ["nivel_bateria"]);
    let bateria = br#"{"placa":"ABC1234","nivel_bateria":3,"taxa_descarga":-1e400}"#;
    assert_eq!(wrong_fields(CarroBateria::from_json(bateria, "ABC1234")), ["taxa_descarga"]);
    let report = |ponto_id: &str| {
        let report = format!(r#"{{"server_id":"s","ponto_id":{ponto_id},"disponivel":true}}"#);
        PontoDisponibilidade::from_json(report.as_bytes(), "5")
    };
    assert!(report("5.0").is_ok());
    for ponto_id in ["1e400", "5.5", "-5"] {
        assert_eq!(wrong_fields(report(ponto_id)), ["ponto_id"], "{ponto_id}");
    }
    let patch = PostoPatch::from_json(br#"{"preco_kwh":1e400,"potencia_maxima":[1e400]}"#);
    assert_eq!(wrong_fields(patch), ["potencia_maxima", "preco_kwh"]);
    for row in [("preco_kwh", "1e400"), ("preco_kwh", "NaN"), ("potencia_maxima", "-inf")] {
        let texts = [("nome", "P"), ("localizacao", "-23.5,-46.6"), row];
        let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(wrong_fields(read_texts::<PostoBody>(&texts)), [row.0], "{row:?}");
    }
}

#[test]
fn what_is_wrong_with_a_carro_is_told() {
    for (carro, expected) in [
        ("5", "deve ser um objeto JSON válido: veio um número"),
        ("[]", "deve ser um objeto JSON válido: veio uma lista"),
        (r#""BYD""#, "deve ser um objeto JSON válido: veio um texto"),
        (
            r#"{"placa":1,"placa":2}"#,
            "deve ser um objeto JSON válido: o campo placa vem duas vezes",
        ),
        (r#"{"placa":"\ud800"}"#, "há um erro de sintaxe"),
    ] {
        let payload = format!(
            r#"{{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,"carro":{carro}}}"#
        );
        let read = read_json::<ReservaRequest>(payload.as_bytes());
        let told = mensagem(read);
        assert!(told.contains(expected), "{carro}: {told}");
    }
}

#[test]
fn a_field_that_comes_twice_is_refused() {
    let twice = SEED_BODY.replacen('{', r#"{"posto_id": 6, "#, 1);
    let refusal = not_json(read_json::<ReservarBody>(twice.as_bytes()));
    assert!(refusal.contains("posto_id"), "{refusal}");
    let twice = br#"{"server_id":"server1","server_id":"server2"}"#;
    // The servidor that is named first refuses it.
    assert_eq!(Address::server_id(twice).expect("an object").as_deref(), Some("server1"));
    assert!(not_json(read_json::<ReservaRequest>(twice)).contains("server_id"));
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

#[test]
fn unknown_fields_are_ignored() {
    let known = read_json::<ReservarBody>(SEED_BODY.as_bytes()).expect("the seed's body");
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for json in ["null", "1e9", r#"{"placa":"XYZ9876"}"#, &deep] {
        assert_eq!(body_with("cor", json).as_ref(), Ok(&known), "{json:.40}");
    }
    let payload = br#"{"placa":"ABC1234","nivel_bateria":3,"em_carregamento":false,"cor":"azul"}"#;
    CarroStatus::from_json(payload, "ABC1234").expect("one field more");
}
