//! Listings that are not sent again to who has them: `ETag`, `304`, and what gateways ask for.

use reqwest::header::{HeaderMap, IF_NONE_MATCH};
use serde_json::json;

use crate::harness::{MARKER, PlainClient, Program, World};
use crate::listings::unchanged::{ASK, ok};

/// Status, headers and body of a listing, asked for by who has these tags.
async fn get(program: &Program, query: &str, tags: &[&str]) -> (u16, HeaderMap, String) {
    let mut request = reqwest::Client::new().get(program.url(&format!("/postos{query}")));
    for tag in tags {
        request = request.header(IF_NONE_MATCH, *tag);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let is_listing = matches!(status, 200 | 304);
    assert_eq!(headers.get("cache-control").is_some_and(|is| is == "no-cache"), is_listing);
    let vary = headers.get_all("vary").iter().map(|value| value.to_str().expect("a text"));
    let mut vary: Vec<_> = vary.flat_map(|value| value.split(", ")).collect();
    vary.sort_unstable();
    let expected = if is_listing { vec!["accept-encoding", "origin"] } else { vec!["origin"] };
    assert_eq!(vary, expected, "{headers:?}");
    assert!(headers.contains_key("x-request-id"), "{headers:?}");
    (status, headers, answer.text().await.expect("a body"))
}

/// The tag of a listing, whose body is `200` to who has no other.
async fn tag(program: &Program, query: &str) -> String {
    let (status, headers, body) = get(program, query, &["\"another\""]).await;
    assert_eq!((status, body.contains("\"postos\":[")), (200, true), "{body}");
    headers["etag"].to_str().expect("a text").to_owned()
}

async fn assert_known(program: &Program, query: &str, tags: &[&str]) {
    let (status, headers, body) = get(program, query, tags).await;
    assert_eq!((status, body.as_str()), (304, ""), "{tags:?}");
    let etag = headers["etag"].to_str().expect("a text");
    assert!(tags.iter().any(|tag| *tag == "*" || tag.contains(etag)), "{etag} {tags:?}");
    assert!(!headers.contains_key("content-type"));
    // Its length would be that of the listing.
    let url = program.url(&format!("/postos{query}"));
    let head = reqwest::Client::new().head(url);
    let head = tags.iter().fold(head, |head, tag| head.header(IF_NONE_MATCH, *tag));
    let head = head.send().await.expect("an answer");
    let length = head.headers().get("content-length");
    assert!(head.status() == 304 && length.is_none(), "{:?}", head.headers());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_whose_postos_have_not_changed_gets_no_listing() {
    const ALL: &str = "?server_id=server1";
    const FREE: &str = "?server_id=server1&disponivel=true";
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let other = world.client("cliente2").await;
    other.sees("server1", "online").await;
    let all = tag(&client, ALL).await;
    for program in [&client, &other] {
        assert_known(program, ALL, &[&all]).await;
        assert_known(program, ALL, &["*"]).await;
        assert_known(program, ALL, &["\"a\"", &format!("\"b\", {all}")]).await;
    }
    // The operator's list says more of each posto.
    let own = tag(&server, "").await;
    assert_ne!(own, all);
    assert_known(&server, "", &[&own]).await;
    assert_known(&server, "?disponivel=true", &[&own]).await;

    assert!(server.stop().await.success());
    client.sees("server1", "offline").await;
    let (status, headers, _) = get(&client, ALL, &[&all]).await;
    assert_eq!((status, headers.get("etag")), (503, None), "nothing is answered from memory");
    let server = world.server("server1").await;
    client.sees("server1", "online").await;
    other.sees("server1", "online").await;
    assert_known(&client, ALL, &[&all]).await;
    assert_known(&other, ALL, &[&all]).await;

    for in_service in [false, true] {
        let body = json!({"disponivel": in_service});
        ok(server.put("/postos/5/disponibilidade", &body)).await;
        for (program, query, free, before) in [
            (&client, ALL, FREE, &all),
            (&other, ALL, FREE, &all),
            (&server, "", "?disponivel=true", &own),
        ] {
            assert_eq!(tag(program, query).await == *before, in_service);
            assert_eq!(tag(program, free).await == *before, in_service, "all are free");
        }
    }
    assert_known(&client, ALL, &[&all]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_one_tag_are_of_one_version() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let pages = ["?server_id=server1&limite=15", "?server_id=server1&limite=15&apos=15"];
    let mut seen = Vec::new();
    for _ in 0..3 {
        for page in pages {
            let page_tag = tag(&client, page).await;
            assert_known(&client, page, &[&page_tag]).await;
            assert!(!seen.contains(&page_tag), "a page of another version");
            seen.push(page_tag);
        }
        // On the first page, and back.
        for disponivel in [false, true] {
            let body = json!({"disponivel": disponivel});
            ok(server.put("/postos/5/disponibilidade", &body)).await;
            tag(&client, pages[0]).await;
        }
    }
}

/// A list that the gateway gathers is confirmed by one question, and is never of two moments.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn ten_thousand_postos_in_pages_are_confirmed_as_one_list() {
    let world = World::on_mosquitto_with("max_packet_size 100000\n").await;
    world.seed_postos("server1", 10_000);
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &[ASK, MARKER]).await;
    let asked = async |listener: &mut PlainClient| {
        let before = listener.received(ASK).len();
        let answer = client.get("/postos?server_id=server1").await;
        assert_eq!(answer.json["postos"].as_array().map(Vec::len), Some(10_000));
        listener.catch_up().await;
        (listener.received(ASK).split_off(before), answer.json)
    };
    let (first, listed) = asked(&mut listener).await;
    assert!(first.len() > 10, "{} pages", first.len());
    let (second, confirmed) = asked(&mut listener).await;
    assert_eq!((second.len(), &second[0]["versao"]), (1, &listed["versao"]));
    assert_eq!(confirmed["postos"], listed["postos"]);
    assert_ne!(confirmed["request_id"], listed["request_id"]);
    // The last page changes, and the first is as it was.
    ok(server.put("/postos/10000/disponibilidade", &json!({"disponivel": false}))).await;
    let (third, changed) = asked(&mut listener).await;
    assert_eq!(
        (third.len(), &changed["postos"][9_999]["disponivel"]),
        (first.len(), &json!(false))
    );
    assert!(third[1..].iter().all(|question| question.get("versao").is_none()));
}
