//! Numbers in JSON and in texts: which are whole, and what is wrong with the others.

use domain::{CapacidadeBateria, RowId};
use protocol::{
    CarroBateria, CarroStatus, PontoDisponibilidade, PostoBody, PostoPatch, ReservaRequest, fields,
    read_json, read_parameters,
};

use crate::support::{SEED_BODY, body_with, id, mensagem, with, wrong_fields};

fields! {
    struct Query {
        posto_id: Option<RowId>,
        capacidade_bateria: Option<CapacidadeBateria>,
    }
}

const FRACTION: &str = "deve ser um número inteiro, mas veio um número com vírgula";
const TOO_LARGE: &str = "deve ser um número inteiro, mas veio um número grande demais";
const TOO_NEGATIVE: &str = "deve ser um número inteiro, mas veio um número negativo grande demais";
const ZERO: &str = "deve ser um número inteiro positivo, mas veio 0";
const NEGATIVE: &str = "deve ser um número inteiro positivo, mas veio -5";
const OUT: &str = "deve ser maior que 0 e no máximo 2000";

/// A number, and how an integer and a float read it.
type Row<'a> = (&'a str, Result<i64, &'a str>, Result<f64, &'a str>);

/// Reads a number over HTTP, over MQTT and as a text.
fn check((number, integer, float): Row<'_>) {
    let shown = &number[..number.len().min(40)];
    let command = format!(
        r#"{{"request_id":"r1","client_id":"c1","server_id":"s1","posto_id":5,"carro":{}}}"#,
        with(SEED_BODY, "posto_id", "")
    );
    let by_mqtt =
        |campo: &str| read_json::<ReservaRequest>(with(&command, campo, number).as_bytes());
    let texts = |campo: &str| [(campo.to_owned(), number.to_owned())];
    let by_query = |campo: &str| read_parameters::<Query>(&texts(campo), &[]);
    let by_http = |campo: &str| {
        let large = with(SEED_BODY, "nivel_bateria_atual", "0");
        protocol::read_body::<protocol::ReservarBody>(with(&large, campo, number).as_bytes())
    };
    match integer {
        Ok(integer) => {
            assert_eq!(by_http("posto_id").expect(shown).posto_id.get(), integer, "{shown}");
            assert_eq!(by_mqtt("posto_id").expect(shown).posto_id.get(), integer, "{shown}");
            let read = by_query("posto_id").expect(shown).posto_id;
            assert_eq!(read.map(RowId::get), Some(integer), "{shown}");
        }
        Err(expected) => {
            assert_eq!(mensagem(by_http("posto_id")), expected, "{shown}");
            assert_eq!(mensagem(by_mqtt("posto_id")), expected, "{shown}");
            assert_eq!(mensagem(by_query("posto_id")), expected, "{shown}");
        }
    }
    let (campo, inside) = ("capacidade_bateria", "carro.capacidade_bateria");
    match float {
        Ok(float) => {
            assert_eq!(by_http(campo).expect(shown).carro.capacidade_bateria.get(), float);
            let read = by_query(campo).expect(shown).capacidade_bateria;
            assert_eq!(read.map(CapacidadeBateria::get), Some(float), "{shown}");
        }
        Err(expected) => {
            assert_eq!(mensagem(by_http(campo)), expected, "{shown}");
            assert_eq!(mensagem(by_mqtt(inside)), expected, "{shown}");
            assert_eq!(mensagem(by_query(campo)), expected, "{shown}");
        }
    }
}

#[test]
fn a_number_is_what_it_is_worth_however_it_is_written() {
    for row in [
        ("5", Ok(5), Ok(5.0)),
        ("5.0", Ok(5), Ok(5.0)),
        ("5e0", Ok(5), Ok(5.0)),
        ("50e-1", Ok(5), Ok(5.0)),
        ("0.5E+1", Ok(5), Ok(5.0)),
        ("1E3", Ok(1000), Ok(1000.0)),
        ("9007199254740991.0", Ok(9_007_199_254_740_991), Err(OUT)),
        ("9007199254740993", Ok(9_007_199_254_740_993), Err(OUT)),
        ("9223372036854775807", Ok(i64::MAX), Err(OUT)),
        // Written with a point, it is the same number as its neighbours.
        ("9007199254740993.0", Err(TOO_LARGE), Err(OUT)),
        ("9223372036854775808", Err(TOO_LARGE), Err(OUT)),
        ("18446744073709551616", Err(TOO_LARGE), Err(OUT)),
        ("1e300", Err(TOO_LARGE), Err(OUT)),
        ("1e308", Err(TOO_LARGE), Err(OUT)),
        ("1e999", Err(TOO_LARGE), Err(OUT)),
        ("-1e999", Err(TOO_NEGATIVE), Err(OUT)),
        ("-1E+99999999999", Err(TOO_NEGATIVE), Err(OUT)),
        ("-9223372036854775809", Err(TOO_NEGATIVE), Err(OUT)),
        ("5.5", Err(FRACTION), Ok(5.5)),
        ("-5.5", Err(FRACTION), Err(OUT)),
        ("5e-1", Err(FRACTION), Ok(0.5)),
        ("1e-300", Err(FRACTION), Ok(1e-300)),
        // Too near to zero for any number but zero.
        ("5e-400", Err(ZERO), Err(OUT)),
        ("0", Err(ZERO), Err(OUT)),
        ("-0", Err(ZERO), Err(OUT)),
        ("-0.0", Err(ZERO), Err(OUT)),
        ("0e999", Err(ZERO), Err(OUT)),
        ("-5", Err(NEGATIVE), Err(OUT)),
        ("-5.0", Err(NEGATIVE), Err(OUT)),
        ("-50e-1", Err(NEGATIVE), Err(OUT)),
    ] {
        check(row);
    }
    for length in [400, 100_000] {
        let digit = |digit: &str| digit.repeat(length);
        let started = std::time::Instant::now();
        check((&digit("9"), Err(TOO_LARGE), Err(OUT)));
        check((&format!("-{}", digit("9")), Err(TOO_NEGATIVE), Err(OUT)));
        check((&format!("5.{}", digit("0")), Ok(5), Ok(5.0)));
        check((&format!("5.5{}", digit("1")), Err(FRACTION), Ok(5.511_111_111_111_111)));
        assert!(started.elapsed().as_secs() < 10, "{length} digits take {:?}", started.elapsed());
    }
}

#[test]
fn what_is_no_number_in_a_text_is_shown() {
    let read = |campo: &str, text: &str| {
        read_parameters::<Query>(&[(campo.to_owned(), text.to_owned())], &[])
    };
    for text in [
        "",
        "x",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "0x10",
        "1e",
        "e5",
        "-",
        "--5",
        " 5",
        "5 ",
        "5,0",
        "1_000",
        "\u{ff15}",
        "true",
        "null",
        "5\u{202e}\n",
    ] {
        for (campo, expected) in [
            ("posto_id", "deve ser um número inteiro"),
            ("capacidade_bateria", "deve ser um número"),
        ] {
            let expected = format!("{expected}, mas veio {text:?}");
            assert_eq!(mensagem(read(campo, text)), expected, "{text:?}");
        }
    }
    // A text may write a number as JSON does not.
    for text in ["+5", "05", "005.0", "5."] {
        let posto_id = read("posto_id", text).expect(text).posto_id;
        assert_eq!(posto_id.map(RowId::get), Some(5), "{text}");
    }
    let long = mensagem(read("posto_id", &"é".repeat(30_000)));
    assert_eq!(long, format!("deve ser um número inteiro, mas veio {:?}…", "é".repeat(60)));
}

#[test]
fn other_types_are_told_from_numbers() {
    for (campo, json, expected) in [
        ("posto_id", r#""5""#, "deve ser um número inteiro, mas veio um texto"),
        ("posto_id", "true", "deve ser um número inteiro, mas veio true ou false"),
        ("posto_id", "[1e400]", "deve ser um número inteiro, mas veio uma lista"),
        ("capacidade_bateria", r#""44.5""#, "deve ser um número, mas veio um texto"),
        ("placa", "1e400", "deve ser um texto, mas veio um número grande demais"),
        ("placa", "5.0", "deve ser um texto, mas veio um número inteiro"),
        ("modelo", r#"{"x":1e400}"#, "deve ser um texto, mas veio um objeto"),
        ("server_id", "-1e400", "deve ser um texto, mas veio um número negativo grande demais"),
        (
            "inicio",
            "1e400",
            "deve ser uma data RFC 3339 com fuso, mas veio um número grande demais",
        ),
    ] {
        assert_eq!(mensagem(body_with(campo, json)), expected, "{campo}: {json}");
    }
    let level = body_with("nivel_bateria_atual", "-0").expect("an empty battery");
    assert!(level.carro.nivel_bateria_atual.get().is_sign_positive());
    for level in ["2e400", "-1e400", "44.6"] {
        let reason = mensagem(body_with("nivel_bateria_atual", level));
        assert_eq!(reason, "deve estar entre 0 e 44,5", "{level}");
    }
}

/// A repeat is recognised by this text.
#[test]
fn the_content_of_a_request_is_the_same_however_its_numbers_are_written() {
    let content = |posto_id: &str, capacity: &str| {
        let body = with(SEED_BODY, "capacidade_bateria", capacity);
        let body = with(&body, "posto_id", posto_id);
        let body = protocol::read_body::<protocol::ReservarBody>(body.as_bytes()).expect("a body");
        body.into_request(id("r1"), id("c1")).content().expect("it can be written")
    };
    for (posto_id, capacity) in [("5.0", "50.0"), ("5e0", "5e1"), ("50e-1", "500E-1")] {
        assert_eq!(content(posto_id, capacity), content("5", "50"), "{posto_id}, {capacity}");
    }
}

#[test]
fn reports_and_changes_tell_a_number_by_its_field_too() {
    let status = br#"{"placa":"ABC1234","nivel_bateria":1e400,"em_carregamento":true}"#;
    assert_eq!(wrong_fields(CarroStatus::from_json(status, "ABC1234")), ["nivel_bateria"]);
    let bateria = br#"{"placa":"ABC1234","nivel_bateria":3,"taxa_descarga":-1e400}"#;
    assert_eq!(wrong_fields(CarroBateria::from_json(bateria, "ABC1234")), ["taxa_descarga"]);
    let report = |ponto_id: &str| {
        let report = format!(r#"{{"server_id":"s","ponto_id":{ponto_id},"disponivel":true}}"#);
        PontoDisponibilidade::from_json(report.as_bytes(), "5", None)
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
        assert_eq!(wrong_fields(read_parameters::<PostoBody>(&texts, &[])), [row.0], "{row:?}");
    }
}
