//! The page with the postos of all servidores, through the real programs.

use serde_json::json;

use crate::harness::{PlainClient, World, eventually, payload};
use crate::pages::forms::{Browser, Page};

/// The names of the postos that a page shows, in their order.
fn names(page: &Page) -> Vec<&str> {
    let list = page.html.split("<template").next().unwrap_or_default();
    let links = list.split("<h3><a href=\"").skip(1).filter_map(|rest| rest.split('>').nth(1));
    links.filter_map(|text| text.split('<').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_the_postos_of_all_servidores_filtered_and_ordered_by_its_address() {
    let world = World::new().await;
    let (server, gateway) = world.pair().await;
    world.seed_postos("server2", 210);
    let other = world.server("server2").await;
    gateway.sees("server2", "online").await;
    let browser = Browser::new();
    let posto = |nome: &str, potencia: f64, preco: f64| {
        json!({"nome": nome, "localizacao": "-23.55,-46.63", "potencia_maxima": potencia,
            "tipo_conector": "CHAdeMO", "preco_kwh": preco})
    };
    for (nome, potencia, preco) in
        [("<script>alert(1)</script>", 40.0, 3.0), ("Água", 300.0, 1.5), ("B \"2\"", 50.0, 0.5)]
    {
        assert_eq!(server.post("/postos", &posto(nome, potencia, preco)).await.status, 201);
    }
    // A page waits for a servidor only so long, which this machine may need.
    eventually("both servidores answer in time", async || {
        browser.open(&gateway, "/").await.html.contains("233 postos, 233 livres")
    })
    .await;
    let whole = browser.open(&gateway, "/").await;
    assert_eq!((whole.status, names(&whole).len()), (200, 200));
    whole.has("Página 1 de 2");
    whole.has("<a class=\"button\" rel=\"next\" href=\"./?pagina=2\">");
    let rest = browser.open(&gateway, "/?pagina=2").await;
    assert_eq!(names(&rest).len(), 33);
    for (query, expected) in [
        (
            "tipo_conector=CHAdeMO",
            vec!["&#60;script&#62;alert(1)&#60;/script&#62;", "Água", "B &#34;2&#34;"],
        ),
        (
            "tipo_conector=CHAdeMO&ordem=preco",
            vec!["B &#34;2&#34;", "Água", "&#60;script&#62;alert(1)&#60;/script&#62;"],
        ),
        ("tipo_conector=CHAdeMO&ordem=potencia&potencia_minima=50", vec!["Água", "B &#34;2&#34;"]),
        ("tipo_conector=chademo&disponivel=true&potencia_minima=300", vec!["Água"]),
        ("tipo_conector=CHAdeMO&server_id=server2", vec![]),
        ("server_id=server9", vec![]),
    ] {
        let page = browser.open(&gateway, &format!("/?{query}")).await;
        assert_eq!(names(&page), expected, "{query}");
        assert!(!page.html.contains("<script>alert"), "{query}");
    }
    assert_eq!(gateway.reservar(&payload("ABC1234", 5)).await.status, 200);
    let free = browser.open(&gateway, "/?disponivel=true&server_id=server1").await;
    assert!(!names(&free).contains(&"Ponto 5"), "{:?}", names(&free));
    assert_eq!(
        names(&free)[..4],
        ["&#60;script&#62;alert(1)&#60;/script&#62;", "Água", "B &#34;2&#34;", "Ponto 1"]
    );
    // It goes away, and the page says so.
    other.stop().await;
    gateway.sees("server2", "offline").await;
    let page = browser.open(&gateway, "/").await;
    assert_eq!((page.status, names(&page).len()), (200, 23));
    page.has("O servidor server2 está sem contato");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_servidor_and_a_lost_broker_hold_no_page() {
    let mut world = World::new().await;
    let (server, gateway) = world.pair().await;
    let other = world.server("server2").await;
    gateway.sees("server2", "online").await;
    let browser = Browser::new();
    other.freeze();
    let page = browser.open(&gateway, "/").await;
    assert_eq!((page.status, names(&page).len()), (200, 20));
    page.has("O servidor server2 não respondeu a tempo");
    other.thaw();
    eventually("it answers again", async || names(&browser.open(&gateway, "/").await).len() == 40)
        .await;
    world.broker.kill().await;
    eventually("the broker is missed", async || gateway.get("/readyz").await.status == 503).await;
    let page = browser.open(&gateway, "/").await;
    assert_eq!((page.status, names(&page).len()), (200, 0));
    page.has("Sem contato com os postos agora.");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_silent_servidores_hold_up_no_other() {
    let world = World::new().await;
    let (_server, gateway) = world.pair().await;
    let operator = PlainClient::subscribe(&world, "operator", &[]).await;
    for number in 0..80 {
        let id = format!("a{number:02}");
        let presence = json!({"server_id": id, "status": "online", "desde": "2026-01-01T00:00:00Z",
            "versao": "9", "entrega": ["difusao"]});
        operator.publish_retained(&format!("server/{id}/status"), presence).await;
    }
    gateway.sees("a79", "online").await;
    let page = Browser::new().open(&gateway, "/").await;
    assert_eq!((page.status, names(&page).len()), (200, 20));
    page.has("Os servidores a00, a01, a02, a03, a04, … não responderam a tempo");
}
