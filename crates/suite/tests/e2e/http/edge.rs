//! The HTTP edge of both programs: what any caller sees, whatever the route.

use reqwest::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_ENCODING, ORIGIN, VARY,
};

use crate::harness::{Program, World, seed_payload};

/// What a list of 10,000 postos may take on its way.
const MAX_COMPRESSED: usize = 300_000;

async fn get(url: &str, accepted: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(url).header(ACCEPT_ENCODING, accepted);
    request.header(ORIGIN, "https://app.example.com").send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_compressed_and_readable_by_pages_of_any_origin() {
    let world = World::new().await;
    world.seed_postos("server1", 10_000);
    let (server, client) = world.pair().await;
    for url in [server.url("/postos"), client.url("/postos?server_id=server1")] {
        for (accepted, coding) in [("identity", None), ("gzip", Some("gzip")), ("br", Some("br"))] {
            let answer = get(&url, accepted).await;
            let headers = answer.headers();
            let text = |name| headers.get(name).map(|value| value.to_str().expect("a text"));
            assert_eq!(text(CONTENT_ENCODING), coding, "{url}");
            assert_eq!(text(ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"), "{url}");
            let vary = headers.get_all(VARY).iter().map(|value| value.to_str().expect("a text"));
            let vary = vary.collect::<Vec<_>>().join(", ");
            assert!(vary.contains("accept-encoding") && vary.contains("origin"), "{url}: {vary}");
            let length = answer.bytes().await.expect("a body").len();
            let is_short = length < MAX_COMPRESSED;
            assert_eq!(is_short, coding.is_some(), "{url}, {accepted}: {length} bytes");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_a_byte_order_mark_in_gzip_or_in_latin_1_reserves() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    let post = async |placa: &str, content_type: &str, encode: fn(&str) -> Vec<u8>| {
        let body = seed_payload().to_string().replace("ABC1234", placa).replace("BYD", "Citroën");
        let request = reqwest::Client::new().post(client.url("/reservar"));
        let request = request.header("Content-Type", content_type).body(encode(&body));
        request.send().await.expect("an answer").status().as_u16()
    };
    let with_bom = |text: &str| format!("\u{FEFF}{text}").into_bytes();
    let latin = |text: &str| text.chars().map(|one| one as u8).collect();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(post("AAA0001", "application/json", with_bom).await, 200);
    assert_eq!(post("AAA0001", "application/json; charset=iso-8859-1", latin).await, 409);
    assert_eq!(post("AAA0001", "application/json", latin).await, 422);
    assert_eq!(post("AAA0001", "application/json", utf16).await, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_too_many_is_no_other_route() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let answers = async |program: &Program, path: &str| program.get(path).await.status;
    assert_eq!(answers(&server, "//postos/").await, 200);
    assert_eq!(answers(&client, "/postos/?server_id=server1").await, 200);
    assert_eq!(client.post("/reservar/", &seed_payload()).await.status, 200);
}
