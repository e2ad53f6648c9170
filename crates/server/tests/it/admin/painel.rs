//! The operator's page: what it is before any script runs, and that its files are there.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::ACCEPT_LANGUAGE;
use serde_json::json;
use service::LOAD_AGAIN;

use crate::running::{Answer, Home, Running};
use crate::support::reservation;

async fn page(server: &Running) -> Answer {
    server.ask("", Method::GET, "/painel").await
}

/// The parts of a text that are between these.
fn all_between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let rests = text.split(before).skip(1);
    rests.map(|rest| rest.split(after).next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn anyone_gets_a_page_that_runs_only_what_is_its_own() {
    let server = Running::fresh().await;
    let answer = page(&server).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-cache");
    let policy = answer.header("content-security-policy");
    for part in ["default-src 'none'", "script-src 'self' 'sha256-", "style-src 'self'"] {
        assert!(
            policy.split("; ").any(|directive| directive.starts_with(part)),
            "{part}: {policy}"
        );
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = &answer.text;
    for inline in [" style=", " onclick=", " onload=", "<style", "javascript:"] {
        assert!(!html.contains(inline), "{inline}");
    }
    let is_loaded_or_data = |script: &&str| {
        let is_loaded = script.contains(" src=\"static/") && script.ends_with('>');
        is_loaded || script.contains(" type=\"application/json\"")
    };
    let mut written = all_between(html, "<script", "</script>");
    written.retain(|script| !is_loaded_or_data(script));
    assert_eq!(written, [format!(">{LOAD_AGAIN}")], "what is written into the page");
    for address in
        all_between(html, "href=\"", "\"").iter().chain(&all_between(html, "src=\"", "\""))
    {
        assert!(
            ["#", "painel#", "static/", "data:,"].iter().any(|own| address.starts_with(own)),
            "{address}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_page_is_in_portuguese_unless_english_is_preferred() {
    let server = Running::fresh().await;
    for (accepted, language, word) in [
        ("", "pt-BR", "Precisa de atenção"),
        ("pt-BR,en;q=0.8", "pt-BR", "Precisa de atenção"),
        ("en-US,pt;q=0.5", "en", "Needs attention"),
    ] {
        let request = server.request_with("", Method::GET, "/painel");
        let answer = server.send(request.header(ACCEPT_LANGUAGE, accepted)).await;
        assert_eq!(answer.header("content-language"), language, "{accepted}");
        assert!(answer.header("vary").contains("accept-language"), "{accepted}");
        assert!(answer.text.contains(&format!("<html lang=\"{language}\">")), "{accepted}");
        assert!(answer.text.contains(word), "{accepted}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_page_is_found_however_its_address_is_typed() {
    let server = Running::fresh().await;
    let html = page(&server).await.text;
    for typed in ["//painel", "/painel?utm=x"] {
        let answer = server.ask("", Method::GET, typed).await;
        assert_eq!((answer.status, answer.text == html), (200, true), "{typed}");
    }
    // What the page loads is relative to its address.
    for (typed, painel) in [("/painel/?utm=x", "../painel?utm=x"), ("//painel//", "../../painel")] {
        let answer = server.ask("", Method::GET, typed).await;
        assert_eq!((answer.status, answer.header("location")), (308, painel), "{typed}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_list_of_postos_is_in_the_page_and_nobody_who_uses_them() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let nome = "<b>Sé</b> \"&'</script>";
    let named = json!({"nome": nome, "preco_kwh": 1.5});
    assert_eq!(server.patch("/postos/2", &named).await.status, 200);
    let out = json!({"disponivel": false, "em_manutencao": true});
    assert_eq!(server.put("/postos/2/disponibilidade", &out).await.status, 200);
    let answer = page(&server).await;
    let html = &answer.text;
    let listing = server.get("/postos").await;
    let ids: Vec<String> = listing.column("postos", "id").iter().map(ToString::to_string).collect();
    assert!(ids.len() > 1, "{ids:?}");
    assert_eq!(all_between(html, "<li class=\"posto card\" data-posto-id=\"", "\""), ids);
    let state = |id: u8| all_between(html, &format!("data-key=\"{id}\" data-state=\""), "\"");
    assert_eq!((state(1), state(2)), (vec!["taken"], vec!["maintenance"]));
    assert!(html.contains("&#60;b&#62;Sé&#60;/b&#62; &#34;&#38;&#39;&#60;/script&#62;"), "{html}");
    assert!(!html.contains("<b>"));
    assert!(html.contains("R$\u{a0}1,50/kWh"));
    assert!(html.contains(&format!(">{} postos<", ids.len())));
    assert!(!html.contains("ABC1234"));
    server.stop().await;
}

#[tokio::test]
async fn the_page_has_at_most_200_postos_and_says_so() {
    let head = "id,nome,latitude,longitude,status\n";
    for (postos, shown, sentence) in [
        (1, 1, ">1 posto<"),
        (200, 200, ">200 postos<"),
        (201, 200, ">Os primeiros 200 de 201 postos<"),
    ] {
        let rows = (1..=postos).map(|id| format!("{id},Ponto {id},-23.5,-46.6,disponivel\n"));
        let csv: String = [head.to_owned()].into_iter().chain(rows).collect();
        let server = Home::with_postos(&csv).start().await.expect("it starts");
        let html = page(&server).await.text;
        assert_eq!(all_between(&html, "<li class=\"posto card\"", ">").len(), shown, "{postos}");
        assert!(html.contains(sentence), "{postos}");
        server.stop().await;
    }
}

#[tokio::test]
async fn every_file_that_the_page_or_a_module_names_is_there() {
    let server = Running::fresh().await;
    let html = page(&server).await.text;
    let named = all_between(&html, "\"static/", "\"");
    let folder = named[0].rsplit_once('/').expect("a folder and a file").0;
    let mut waiting: BTreeSet<String> = named
        .iter()
        .map(|file| file.strip_prefix(folder).expect("one folder").trim_start_matches('/').into())
        .collect();
    let preloaded = waiting.clone();
    let mut seen = BTreeSet::new();
    while let Some(file) = waiting.pop_first() {
        let answer = server.ask("", Method::GET, &format!("/static/{folder}/{file}")).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.header("cache-control").contains("immutable"), "{file}");
        let imports = all_between(&answer.text, " from \"./", "\"");
        assert!(imports.iter().all(|import| preloaded.contains(*import)), "{file}: {imports:?}");
        seen.insert(file);
        waiting.extend(imports.iter().map(ToString::to_string).filter(|file| !seen.contains(file)));
    }
    assert_eq!(seen, preloaded);
    assert!(seen.len() > 20, "{seen:?}");
    let missing = server.ask("", Method::GET, &format!("/static/{folder}/nothing.js")).await;
    assert_eq!(missing.verdict(), (404, "rota_inexistente"));
    server.stop().await;
}
