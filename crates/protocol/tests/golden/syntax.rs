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
    ] {
        for (before, after) in [in_object, in_list] {
            // In a list, a comma is no mistake.
            if json.contains(',') && before == in_list.0 {
                continue;
            }
            let text = format!("{before}{json}{after}");
            let reason = not_json(read_body::<PostoBody>(text.as_bytes()));
            assert!(reason.starts_with("há um erro de sintaxe na linha"), "{text}: {reason}");
            assert!(reason.contains(expected), "{text}: {reason}");
        }
    }
    for json in ["", "}", "5 5", "\"x", "a", "{\"nome\":}", "{\"nome\" 5}", "{5:1}", "{x:1}"] {
        let reason = not_json(read_body::<PostoBody>(json.as_bytes()));
        assert!(!reason.contains("JSON"), "{json}: {reason}");
    }
}
