//! Long listings: whole, page by page, and over a broker that takes only small packets.

use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, World, payload};

const RESPONSE: &str = "client/app1/postos/response";

fn ids(listing: &Value) -> Vec<i64> {
    let postos = listing["postos"].as_array().unwrap_or_else(|| panic!("no list: {listing:.300}"));
    postos.iter().map(|posto| posto["id"].as_i64().expect("an id")).collect()
}

/// All pages of at most `limit` postos, which are all of one version.
async fn pages(client: &Program, limit: usize) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let (mut apos, mut versao) = (json!(0), None);
    while let Some(after) = apos.as_i64() {
        let path = format!("/postos?server_id=server1&limite={limit}&apos={after}");
        let page = client.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(versao.get_or_insert(page.json["versao"].clone()), &page.json["versao"]);
        pages.push(ids(&page.json));
        apos = page.json["proxima"].clone();
    }
    pages
}

/// Takes posto 1 and then the last out of service, and puts them back in the opposite order: the
/// last is never out of service alone.
async fn change_forever(server: &Program, last: usize, pause: std::time::Duration) {
    loop {
        for (id, disponivel) in [(1, false), (last, false), (last, true), (1, true)] {
            let body = json!({"disponivel": disponivel});
            let changed = server.put(&format!("/postos/{id}/disponibilidade"), &body).await;
            assert_eq!(changed.status, 200, "{changed:?}");
            tokio::time::sleep(pause).await;
        }
    }
}

/// Lists while postos change, until `wanted` lists have come; each is of one moment.
async fn list_during_changes(client: &Program, server: &Program, last: usize, wanted: usize) {
    let pause = std::time::Duration::from_millis(150);
    let listing = async {
        let mut versions = std::collections::BTreeMap::new();
        let mut listed = 0;
        while listed < wanted {
            let answer = client.get("/postos?server_id=server1").await;
            if answer.verdict() == (503, "sobrecarregado") {
                continue;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            listed += 1;
            assert_eq!(ids(&answer.json), Vec::from_iter(1..=last as i64));
            let free = |at: usize| answer.json["postos"][at]["disponivel"].as_bool();
            let state = (free(0), free(last - 1));
            assert_ne!(state, (Some(true), Some(false)), "a list of two moments");
            let versao = answer.json["versao"].as_str().expect("a version").to_owned();
            assert_eq!(*versions.entry(versao).or_insert(state), state, "one version, two lists");
        }
    };
    tokio::select! {
        () = listing => {}
        () = change_forever(server, last, pause) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_thousand_postos_are_one_list() {
    let world = World::new().await;
    world.seed_postos("server1", 12_000);
    // Without optimisation, and beside other work, a list that changes takes many seconds.
    let server = world.server("server1").await;
    let client = world.client_with("cliente1", &[("TEMPO_LIMITE_POSTOS", "300")]).await;
    client.sees("server1", "online").await;
    let whole = client.get("/postos?server_id=server1").await;
    assert_eq!(ids(&whole.json), Vec::from_iter(1..=12_000));
    assert_eq!(whole.json.get("proxima"), None);
    let pages = pages(&client, 5_000).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5_000, 5_000, 2_000]);
    assert_eq!(pages.concat(), ids(&whole.json));
    let path = "/postos?server_id=server1&disponivel=false&limite=1";
    let none = client.get(path).await.json;
    assert_eq!((ids(&none), none.get("proxima")), (vec![], None));
    list_during_changes(&client, &server, 12_000, 10).await;
}

/// Each list is most of a long one: all of them together are long to write.
#[tokio::test(flavor = "multi_thread")]
async fn many_filtered_lists_keep_no_reservation_waiting() {
    let world = World::new().await;
    world.seed_postos("server1", 8_000);
    let (_server, client) = world.pair().await;
    let mut app = PlainClient::subscribe(&world, "app1", &[RESPONSE]).await;
    for number in 0..256 {
        let client_id = if number == 0 { "app1" } else { "nobody" };
        let list = json!({"request_id": format!("q{number}"), "client_id": client_id,
            "server_id": "server1", "tipo_conector": "CCS"});
        app.publish("server/postos/request", list).await;
    }
    app.next(RESPONSE).await;
    let made = client.reservar(&payload("AAA0001", 1)).await;
    assert_eq!(made.status, 200, "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_lasts_as_long_as_its_list_and_never_comes_again() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let versao = async || client.get("/postos?server_id=server1").await.json["versao"].clone();
    let set = async |server: &Program, disponivel: bool| {
        let body = json!({"disponivel": disponivel});
        assert_eq!(server.put("/postos/5/disponibilidade", &body).await.status, 200);
    };
    let first = versao().await;
    // A change that changes nothing.
    set(&server, true).await;
    assert_eq!(versao().await, first);
    set(&server, false).await;
    let second = versao().await;
    set(&server, true).await;
    let third = versao().await;
    assert!(server.stop().await.success());
    client.sees("server1", "offline").await;
    let _server = world.server("server1").await;
    client.sees("server1", "online").await;
    let fourth = versao().await;
    let all = std::collections::HashSet::from(
        [first, second, third, fourth].map(|versao| versao.as_str().expect("a version").to_owned()),
    );
    assert_eq!(all.len(), 4, "{all:?}");
}

fn with_page(list: &Value, limite: i64, apos: i64) -> Value {
    let mut list = list.clone();
    (list["limite"], list["apos"]) = (json!(limite), json!(apos));
    list
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_broker_of_small_packets_gets_small_pages() {
    for max_packet_size in [4000, 1000] {
        let world = World::on_mosquitto_with(&format!("max_packet_size {max_packet_size}\n")).await;
        world.seed_postos("server1", 120);
        let (server, client) = world.pair().await;
        let whole = client.get("/postos?server_id=server1").await;
        assert_eq!(ids(&whole.json), Vec::from_iter(1..=120));
        assert_eq!(whole.json.get("proxima"), None);
        let none = client.get("/postos?server_id=server1&disponivel=false").await;
        assert_eq!(ids(&none.json), [0; 0]);
        let pages = pages(&client, 100_000).await;
        assert!(pages.len() > 5, "{pages:?}");
        assert_eq!(pages.concat(), Vec::from_iter(1..=120));
        let mut app = PlainClient::subscribe(&world, "app1", &[RESPONSE]).await;
        let list = json!({"request_id": "q1", "client_id": "app1", "server_id": "server1"});
        for topic in ["server/postos/request", "server/server1/postos/request"] {
            app.publish(topic, &list).await;
            let refused = app.next(RESPONSE).await;
            assert_eq!(refused["codigo"], "requisicao_invalida", "{refused}");
            assert_eq!(refused["campos"][0]["campo"], "limite", "{refused}");
            // It says how many fit, and that many do.
            let message = refused["campos"][0]["mensagem"].as_str().expect("a text");
            let mut numbers =
                message.split_whitespace().filter_map(|word| word.parse::<i64>().ok());
            let fits = numbers.next().expect("how many fit");
            for limite in [fits, 100_000] {
                let page = with_page(&list, limite, 0);
                app.publish(topic, &page).await;
                assert_eq!(ids(&app.next(RESPONSE).await), Vec::from_iter(1..=fits));
            }
        }
        app.publish("server/server1/postos/request", json!([with_page(&list, 1, 7)])).await;
        let listed = app.next(RESPONSE).await;
        assert_eq!((ids(&listed[0]), &listed[0]["proxima"]), (vec![8], &json!(8)));
        list_during_changes(&client, &server, 120, 5).await;
    }
}
