//! Bodies in every encoding, as one table each.

use std::io::Write as _;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use axum::routing::post;
use encoding_rs::{ISO_8859_15, WINDOWS_1252};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{Answer, echo, finished, send};
use crate::http::request::json_body::MAX_BODY;

const TEXT: &str = r#"{"nome":"São João"}"#;
const NOT_TAKEN: (u16, &str) = (415, "tipo_nao_suportado");
const WRONG: (u16, &str) = (422, "requisicao_invalida");

/// The text that is read, or what the refusal names.
type Outcome<'a> = Result<&'a [u8], &'a str>;

async fn post_body(headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let router = finished(Router::new().route("/", post(echo)), 1);
    let mut request = Request::post("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(&router, request.body(Body::from(body.to_vec())).expect("a request")).await
}

fn utf16(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(of).collect()
}

fn utf32(text: &str, of: fn(u32) -> [u8; 4]) -> Vec<u8> {
    text.chars().map(u32::from).flat_map(of).collect()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

fn raw_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

#[tokio::test]
async fn media_types_are_json_or_refused() {
    for (content_type, taken) in [
        ("application/json", true),
        ("Application/JSON", true),
        ("application/merge-patch+json", true),
        ("application/vnd.x+json", true),
        ("text/json", true),
        ("application/json; charset=utf-8", true),
        ("application/json;charset=utf-8", true),
        ("application/json; charset=\"UTF-8\"", true),
        ("application/json; CHARSET=Utf8", true),
        ("application/json; charset='utf-8'", true),
        ("application/json; charset=", true),
        ("application/json; profile=x; charset=utf-8", true),
        ("application/json; charset=utf-16", false),
        ("application/json; charset=banana", false),
        ("", false),
        ("text/plain", false),
        ("text/plain; charset=utf-8", false),
        ("application/x-www-form-urlencoded", false),
        ("multipart/form-data; boundary=x", false),
        ("application/xml", false),
        ("application/jsonp", false),
        ("json", false),
    ] {
        let answer = post_body(&[(CONTENT_TYPE.as_str(), content_type)], TEXT.as_bytes()).await;
        let expected = if taken { (200, "") } else { NOT_TAKEN };
        assert_eq!(answer.codigo(), expected, "{content_type:?}");
        assert_eq!(answer.header(ACCEPT_ENCODING), "", "{content_type:?}: that is not why");
    }
    assert_eq!(post_body(&[], TEXT.as_bytes()).await.codigo(), NOT_TAKEN, "it is missing");
}

#[tokio::test]
async fn character_encodings_are_read_or_named() {
    let latin = WINDOWS_1252.encode(TEXT).0.into_owned();
    let latin_15 = ISO_8859_15.encode(TEXT).0.into_owned();
    let with_bom = |bom: &[u8], text: &[u8]| [bom, text].concat();
    let utf8 = TEXT.as_bytes();
    let (ascii, named_latin) = (&br#"{"nome":"Sao"}"#[..], "Windows-1252");
    let [utf16_be, utf16_le] = [u16::to_be_bytes, u16::to_le_bytes].map(|of| utf16(TEXT, of));
    let [utf32_be, utf32_le] = [u32::to_be_bytes, u32::to_le_bytes].map(|of| utf32(TEXT, of));
    let table: &[(&str, &[u8], Outcome<'_>)] = &[
        ("", utf8, Ok(utf8)),
        ("utf-8", utf8, Ok(utf8)),
        ("", &with_bom(b"\xEF\xBB\xBF", utf8), Ok(utf8)),
        ("utf-8", &with_bom(b"\xEF\xBB\xBF", utf8), Ok(utf8)),
        ("iso-8859-1", &with_bom(b"\xEF\xBB\xBF", utf8), Ok(utf8)),
        ("", &utf16_be, Err("o corpo está em UTF-16; envie em UTF-8")),
        ("", &utf16_le, Err("o corpo está em UTF-16; envie em UTF-8")),
        ("utf-8", &utf16_le, Err("o corpo está em UTF-16")),
        ("", &with_bom(b"\xFE\xFF", &utf16_be), Err("o corpo está em UTF-16")),
        ("", &with_bom(b"\xFF\xFE", &utf16_le), Err("o corpo está em UTF-16")),
        ("", &utf16("{", u16::to_le_bytes), Err("o corpo está em UTF-16")),
        ("", &utf32_be, Err("o corpo está em UTF-32; envie em UTF-8")),
        ("", &utf32_le, Err("o corpo está em UTF-32")),
        ("", &with_bom(b"\0\0\xFE\xFF", &utf32_be), Err("o corpo está em UTF-32")),
        ("", &with_bom(b"\xFF\xFE\0\0", &utf32_le), Err("o corpo está em UTF-32")),
        ("", &latin, Err(named_latin)),
        ("utf-8", &latin, Err(named_latin)),
        ("", &with_bom(b"\xEF\xBB\xBF", &latin), Err(named_latin)),
        ("iso-8859-1", &latin, Ok(utf8)),
        ("ISO-8859-1", &latin, Ok(utf8)),
        ("\"latin1\"", &latin, Ok(utf8)),
        ("windows-1252", &latin, Ok(utf8)),
        ("iso-8859-15", &latin_15, Ok(utf8)),
        ("iso-8859-1", utf8, Err("está em UTF-8, mas vem declarado como charset=iso-8859-1")),
        ("us-ascii", ascii, Ok(ascii)),
        ("iso-8859-1", ascii, Ok(ascii)),
        ("shift_jis", ascii, Ok(ascii)),
        ("shift_jis", b"{\"nome\":\"\x83\x65\"}", Err("o corpo está em shift_jis")),
        ("", &gzip(utf8), Err("gzip; declare-o com Content-Encoding: gzip")),
    ];
    for (charset, body, read) in table {
        let content_type = match *charset {
            "" => "application/json".to_owned(),
            charset => format!("application/json; charset={charset}"),
        };
        let answer = post_body(&[(CONTENT_TYPE.as_str(), &content_type)], body).await;
        let shown = format!("{content_type}, {body:x?}");
        match read {
            Ok(text) => assert_eq!((answer.status, &answer.body[..]), (200, *text), "{shown}"),
            Err(named) => {
                assert_eq!((answer.codigo(), answer.campo()), (WRONG, "corpo"), "{shown}");
                let mensagem = answer.json["mensagem"].as_str().expect("a text");
                assert!(mensagem.contains(named), "{shown}: {mensagem}");
            }
        }
    }
}

#[tokio::test]
async fn compressed_bodies_are_read_or_refused() {
    let utf8 = TEXT.as_bytes();
    let (zipped, deflated) = (gzip(utf8), zlib(utf8));
    let mut wrong_sum = zipped.clone();
    let last = wrong_sum.len() - 8;
    wrong_sum[last] ^= 1;
    let (full, bomb) = (gzip(&vec![b' '; MAX_BODY]), gzip(&vec![b' '; 64 << 20]));
    assert!(bomb.len() < MAX_BODY, "it is refused for what it unpacks to");
    let twice = [gzip(&utf8[..5]), gzip(&utf8[5..])].concat();
    let ok = (200, "");
    let table: &[(&str, &[u8], (u16, &str))] = &[
        ("", utf8, ok),
        ("identity", utf8, ok),
        ("gzip", &zipped, ok),
        ("GZip", &zipped, ok),
        ("x-gzip", &zipped, ok),
        ("gzip, identity", &zipped, ok),
        ("deflate", &deflated, ok),
        ("gzip", &twice, ok),
        ("gzip", &gzip(&[b"\xEF\xBB\xBF", utf8].concat()), ok),
        ("gzip", &full, ok),
        ("gzip", &gzip(&vec![b' '; MAX_BODY + 1]), (413, "corpo_grande_demais")),
        ("gzip", &bomb, (413, "corpo_grande_demais")),
        ("deflate", &zlib(&vec![b' '; MAX_BODY + 1]), (413, "corpo_grande_demais")),
        ("gzip", utf8, WRONG),
        ("gzip", b"", WRONG),
        ("gzip", &zipped[..zipped.len() - 9], WRONG),
        ("gzip", &zipped[..zipped.len() - 1], WRONG),
        ("gzip", &zipped[..2], WRONG),
        ("gzip", &wrong_sum, WRONG),
        ("gzip", &[&zipped[..], b"rest"].concat(), WRONG),
        ("gzip", &utf16(TEXT, u16::to_le_bytes), WRONG),
        ("deflate", &raw_deflate(utf8), WRONG),
        ("br", utf8, NOT_TAKEN),
        ("zstd", utf8, NOT_TAKEN),
        ("compress", utf8, NOT_TAKEN),
        ("gzip, gzip", &gzip(&zipped), NOT_TAKEN),
        ("banana", utf8, NOT_TAKEN),
    ];
    for (coding, body, expected) in table {
        let headers = [("content-type", "application/json"), ("content-encoding", *coding)];
        let answer = post_body(&headers, body).await;
        let shown = format!("{coding:?}, {} bytes", body.len());
        assert_eq!(answer.codigo(), *expected, "{shown}");
        let mensagem = answer.json["mensagem"].as_str().unwrap_or_default();
        let begins_so = body.starts_with(&[0x1F, 0x8B]);
        match answer.status {
            422 if begins_so => assert!(mensagem.contains("incompleto ou danificado"), "{shown}"),
            422 => assert!(mensagem.contains("o corpo não está em"), "{shown}: {mensagem}"),
            200 if body != &full => assert_eq!(answer.body, utf8, "{shown}"),
            200 => assert_eq!(answer.body.len(), MAX_BODY),
            415 => assert_eq!(answer.header(ACCEPT_ENCODING), "gzip, deflate, identity", "{shown}"),
            _ => assert_eq!(answer.header(ACCEPT_ENCODING), "", "{shown}"),
        }
    }
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        (CONTENT_ENCODING.as_str(), "gzip"),
    ];
    assert_eq!(post_body(&headers, &zipped).await.codigo(), NOT_TAKEN, "twice, in two headers");
}

#[tokio::test]
async fn a_body_is_not_too_long() {
    let headers = [("content-type", "application/json")];
    assert_eq!(post_body(&headers, &vec![b' '; MAX_BODY]).await.body.len(), MAX_BODY);
    let over = post_body(&headers, &vec![b' '; MAX_BODY + 1]).await;
    assert_eq!(over.codigo(), (413, "corpo_grande_demais"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_too_slowly_is_refused() {
    let router = finished(Router::new().route("/", post(echo)), 1);
    let never = futures_util::stream::pending::<Result<&[u8], std::io::Error>>();
    let request = Request::post("/").header(CONTENT_TYPE, "application/json");
    let started = tokio::time::Instant::now();
    let answer = send(&router, request.body(Body::from_stream(never)).expect("a request")).await;
    assert_eq!(answer.codigo(), WRONG);
    assert!(answer.json.to_string().contains("não chegou em 10 segundos"), "{}", answer.json);
    assert_eq!(started.elapsed().as_secs(), 10);
}
