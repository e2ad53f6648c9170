//! Texts that are no JSON: what is wrong is named where that is one of the usual mistakes.

use protocol::{PostoBody, read_body};

use crate::support::not_json;

#[test]
fn mistakes_are_named() {
    let (in_object, in_list) =
        (("{\"preco_kwh\": ", "}"), ("{\"nome\": \"é\",\n \"x\":[", ",\n 1]}"));
    for (json, expected) in [
        ("NaN", "NaN"),
        ("nan", "NaN"),
        ("Infinity", "NaN"),
        ("-Infinity", "NaN"),
        ("-inf", "NaN"),
        ("True", "true, false ou null"),
        ("None", "true, false ou null"),
        ("undefined", "true, false ou null"),
        ("'CCS'", "aspas duplas"),
        ("// nada", "comentários"),
        ("/* nada */ 5", "comentários"),
        ("+5", "por +"),
        ("+5.5", "por +"),
        ("0x10", "hexadecimal"),
        ("-0XFF", "hexadecimal"),
        ("05", "por zeros"),
        ("-007.5", "por zeros"),
        (".5", "dos dois lados"),
        ("-.5", "dos dois lados"),
        ("5.", "dos dois lados"),
        ("5.e3", "dos dois lados"),
        ("22,5", "vírgula"),
        ("-0,5", "vírgula"),
        ("2,05", "vírgula"),
        ("0,007", "vírgula"),
        ("ABC1234", "aspas duplas"),
        ("CCS", "aspas duplas"),
        ("falcon", "aspas duplas"),
        ("nulo", "aspas duplas"),
        ("“CCS”", "tipográficas"),
        ("‘CCS’", "tipográficas"),
        ("\"A \"B\"\"", "primeira aspa"),
        (r#""\ud83d""#, "em par"),
        (r#""\ude97\ud83d""#, "em par"),
        (r#""\ud83d\ude97\ud83d\n""#, "em par"),
        (r#""C:\posto""#, "barra invertida"),
        (r#""\ud83d\ude97\x""#, "barra invertida"),
        (r#""\\ud83d\x""#, "barra invertida"),
        ("\"A\nB\"", "quebra de linha"),
        ("\"A\r\nB\"", "quebra de linha"),
        ("\"A\tB\"", "tabulação"),
        ("\"A\u{1}B\"", "controle"),
        ("[1, ]", "último item"),
        ("{\"a\": 1,\n}", "último item"),
    ] {
        for (before, after) in [in_object, in_list] {
            // In a list, a comma is no mistake. Of a field that does not exist, halves of pairs are not read.
            if (json.contains(',') || json.contains(r"\ud83d")) && before == in_list.0 {
                continue;
            }
            let text = format!("{before}{json}{after}");
            let reason = not_json(read_body::<PostoBody>(text.as_bytes()));
            assert!(reason.starts_with("há um erro de sintaxe na linha"), "{text}: {reason}");
            assert!(reason.contains(expected), "{text}: {reason}");
        }
    }
    for json in
        ["", "}", "5 5", "\"x", "{\"nome\":}", "{\"nome\" 5}", "{5:1}", "{\"a\":true\"b\":1}"]
    {
        let reason = not_json(read_body::<PostoBody>(json.as_bytes()));
        assert!(!reason.contains("JSON"), "{json}: {reason}");
    }
}

#[test]
fn a_mistake_that_is_the_first_byte_is_named_too() {
    for (body, expected) in [
        ("NaN", "coluna 1: NaN"),
        ("None", "coluna 1: em JSON se escreve true"),
        ("True", "coluna 1: em JSON se escreve true"),
        ("undefined", "coluna 1: em JSON se escreve true"),
        ("'{placa:", "coluna 1: em JSON nomes e textos vêm entre aspas duplas"),
        ("// c", "coluna 1: em JSON não há comentários"),
        ("/* c */ {}", "coluna 1: em JSON não há comentários"),
        ("+5", "coluna 1: em JSON um número não começa por +"),
        (".5", "coluna 1: em JSON o ponto"),
        ("placa=ABC1234", "coluna 1: em JSON nomes e textos vêm entre aspas duplas, que"),
        ("“{}”", "coluna 1: em JSON nomes e textos vêm entre aspas duplas retas"),
        ("{placa: ABC1234}", "coluna 2: em JSON nomes e textos vêm entre aspas duplas, que"),
        ("{“placa”: 1}", "coluna 2: em JSON nomes e textos vêm entre aspas duplas retas"),
        ("{,}", "coluna 2"),
        ("{\"a\":1,}", "coluna 8: em JSON não há vírgula"),
    ] {
        let reason = not_json(read_body::<PostoBody>(body.as_bytes()));
        let named = reason.strip_prefix("há um erro de sintaxe na linha 1, ");
        assert!(named.is_some_and(|named| named.starts_with(expected)), "{body}: {reason}");
    }
}

/// As an editor shows it: in characters, and a line break at the end of its line.
#[test]
fn the_place_of_a_mistake_exists() {
    for (body, place) in [
        ("{\"nome\": \"A\nB\"}", "linha 1, coluna 12"),
        ("{\"nome\": \"A\r\nB\"}", "linha 1, coluna 12"),
        ("{\"none\": \"A\nB\"}", "linha 1, coluna 12"),
        (r#"{"none": "A\x"}"#, "linha 1, coluna 13"),
        ("{\n \"nome\": \"São\nJoão\"}", "linha 2, coluna 14"),
        ("{\"nome\": \"São\" x}", "linha 1, coluna 16"),
        ("{\"nome\": “A”}", "linha 1, coluna 10"),
        ("{\"nome\": 1.\n}", "linha 1, coluna 12"),
        ("{\"nome\": \"A\"\n", "linha 1, coluna 13"),
        ("{\n", "linha 1, coluna 2"),
        ("{\n\n }}", "linha 3, coluna 3"),
        ("{\"nome\": \"A\",\n}", "linha 2, coluna 1"),
    ] {
        let reason = not_json(read_body::<PostoBody>(body.as_bytes()));
        let (_, named) = reason.split_once(" na ").expect(&reason);
        assert_eq!(named.split(':').next(), Some(place), "{body:?}: {reason}");
    }
}
