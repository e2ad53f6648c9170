//! Each query of the dashboard and of the alerts, asked of the real Prometheus.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{World, payload};
use crate::load::Load;
use crate::prometheus::Prometheus;
use crate::rules;

const DASHBOARD: &str = "grafana/dashboards/postos.json";
const ON: (&str, &str) = ("METRICS_ADDR", "127.0.0.1:0");

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&rules::read(DASHBOARD)).expect("JSON");
    assert_eq!(dashboard["uid"], "postos");
    dashboard["panels"].as_array().expect("panels").clone()
}

/// The queries with the panels that they are in.
fn queries() -> Vec<(String, String)> {
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        let query = |target: Value| target["expr"].as_str().expect("a query").to_owned();
        targets.into_iter().map(move |target| (title.clone(), query(target))).collect::<Vec<_>>()
    };
    panels().iter().flat_map(of_panel).collect()
}

#[test]
fn the_dashboard_is_what_grafana_reads() {
    let (mut ids, mut covered) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels() {
        assert!(ids.insert(panel["id"].as_i64().expect("an id")), "{panel}");
        let place = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        assert!(place("x") + place("w") <= 24, "{}", panel["title"]);
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(covered.insert((x, y)), "{} covers another panel", panel["title"]);
            }
        }
        let is_row = panel["type"] == "row";
        assert!(is_row || ["stat", "timeseries"].iter().any(|kind| panel["type"] == *kind));
        if !is_row {
            assert_eq!(panel["datasource"], json!({"type": "prometheus", "uid": "prometheus"}));
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{}", panel["title"]);
        }
    }
    let sources = rules::read("grafana/provisioning/datasources/postos.yml");
    assert!(sources.contains("uid: prometheus\n") && sources.contains("uid: rastros\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus"]
async fn every_query_has_series() {
    let world = World::new().await;
    let (server, client) = world.pair_with(&[ON], &[ON]).await;
    let prometheus = Prometheus::start(&world, &server, &client).await;
    let _stream = reqwest::get(client.url("/eventos")).await.expect("an answer");
    let refused = client.reservar(&payload("AAA0001", 99)).await;
    assert_eq!(refused.verdict(), (404, "posto_inexistente"));
    let made = client.reservar(&payload("AAA0002", 1)).await;
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
    assert_eq!(client.post(&cancel, &json!({})).await.status, 200);
    let _load = Load::start(&client);
    let queries = queries();
    assert!(queries.len() > 40, "{queries:?}");
    for (title, query) in &queries {
        let query = rules::shortened(query);
        crate::harness::eventually(&format!("{title} has series: {query}"), async || {
            !prometheus.query(&query).await.is_empty()
        })
        .await;
    }
    let mut known = server.scrape().await.types;
    known.extend(client.scrape().await.types);
    let alerts = rules::read("alertas.yml");
    let asked = queries.iter().flat_map(|(_, query)| rules::metrics_in(query));
    let asked: BTreeSet<String> = asked.chain(rules::metrics_in(&alerts)).collect();
    let unknown: Vec<_> = asked.iter().filter(|name| !known.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
