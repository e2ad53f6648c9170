//! The pages for drivers by plain forms, without any script, through the real programs.

use std::collections::HashMap;

use protocol::{KeyedCall, RequestId};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::json;

use crate::access::app_tokens::{make, with_tokens};
use crate::harness::{PlainClient, Program, World, eventually, payload};

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// A browser without scripts, which follows no redirect by itself.
pub(crate) struct Browser {
    http: Client,
}

/// A page that was answered.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) html: String,
}

impl Page {
    async fn of(answer: Response) -> Self {
        let status = answer.status().as_u16();
        let location = answer.headers().get("location");
        let location = location.map_or("", |value| value.to_str().expect("a text")).to_owned();
        Self { status, location, html: answer.text().await.expect("a text") }
    }

    #[track_caller]
    pub(crate) fn has(&self, part: &str) {
        assert!(self.html.contains(part), "{part} is not in {}", self.html);
    }

    /// The fields that a browser sends with the form of this id, as the page has them.
    fn form(&self, id: &str) -> HashMap<String, String> {
        let start = self.html.find(&format!("<form id=\"{id}\"")).expect("the form");
        let form = self.html[start..].split("</form>").next().expect("its end");
        let attribute = |tag: &str, name: &str| {
            let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
            Some(value.replace("&#34;", "\"").replace("&#38;", "&"))
        };
        let mut fields = HashMap::new();
        for tag in form.split("<input").skip(1).filter_map(|rest| rest.split('>').next()) {
            let kind = attribute(tag, "type");
            if kind.as_deref() != Some("checkbox")
                && let Some(name) = attribute(tag, "name")
            {
                fields.insert(name, attribute(tag, "value").unwrap_or_default());
            }
        }
        for select in form.split("<select").skip(1) {
            let name = attribute(select, "name").expect("a name");
            let chosen = select.split("<option").find(|option| option.contains(" selected"));
            let value = chosen.and_then(|option| attribute(option, "value")).unwrap_or_default();
            fields.insert(name, value);
        }
        fields
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        let http = Client::builder().redirect(Policy::none()).build();
        Self { http: http.expect("an HTTP client") }
    }

    pub(crate) async fn open(&self, gateway: &Program, path: &str) -> Page {
        let path = path.trim_start_matches('/');
        let request = self.http.get(gateway.url(&format!("/{path}"))).header("accept", HTML);
        let answer = request.send().await;
        Page::of(answer.expect("an answer")).await
    }

    /// Sends a form of a page, some of its fields typed anew.
    async fn send(
        &self,
        gateway: &Program,
        path: &str,
        form: &HashMap<String, String>,
        typed: &[(&str, &str)],
    ) -> Page {
        let mut form = form.clone();
        form.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(form).finish();
        let request = self.http.request(Method::POST, gateway.url(path));
        let request = request.header("sec-fetch-site", "same-origin").header("accept", HTML);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Page::of(request.body(body).send().await.expect("an answer")).await
    }

    /// Reserves by the form of a posto, and follows to the page of the reserva.
    async fn reserve(&self, gateway: &Program, posto_id: i64, placa: &str) -> (String, Page) {
        let posto = format!("posto?server_id=server1&posto_id={posto_id}");
        let form = self.open(gateway, &posto).await.form("reserve");
        let done = self.send(gateway, "/posto", &form, &[("placa", placa)]).await;
        assert_eq!(done.status, 303, "{}", done.html);
        let page = self.open(gateway, &done.location).await;
        (done.location, page)
    }
}

fn field(page: &Page, name: &str) -> String {
    let part = page.html.split(&format!("data-field=\"{name}\"")).nth(1).expect("the field");
    let text = part.split_once('>').and_then(|(_, rest)| rest.split_once('<'));
    text.expect("a text").0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_reserves_sees_changes_and_cancels_without_any_script() {
    let world = World::new().await;
    let (server, gateway) = world.pair().await;
    let browser = Browser::new();
    let list = browser.open(&gateway, "/?disponivel=true").await;
    list.has(
        "<h3><a href=\"posto?server_id=server1&#38;posto_id=5\" translate=\"no\">Ponto 5</a></h3>",
    );
    let posto = browser.open(&gateway, "posto?server_id=server1&posto_id=5").await;
    posto.has("<h1 translate=\"no\">Ponto 5</h1>");
    posto.has("data-state=\"free\"");
    // Only the placa must be typed.
    let form = posto.form("reserve");
    let first = browser.send(&gateway, "/posto", &form, &[("placa", "abc-1234")]).await;
    assert_eq!(first.status, 303, "{}", first.html);
    // Sent twice it is the same.
    let again = browser.send(&gateway, "/posto", &form, &[("placa", "abc-1234")]).await;
    assert_eq!((again.status, &again.location), (303, &first.location), "{}", again.html);
    let reservas = server.get("/reservas").await.json;
    assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(1), "{reservas}");
    // With something else in it, it is another request.
    let other = browser.send(&gateway, "/posto", &form, &[("placa", "XYZ9876")]).await;
    assert_eq!(other.status, 409, "{}", other.html);

    let reserva = browser.open(&gateway, &first.location).await;
    assert_eq!(reserva.status, 200, "{}", reserva.html);
    assert_eq!(
        (field(&reserva, "posto"), field(&reserva, "placa")),
        ("Ponto 5".into(), "ABC1234".into())
    );
    reserva.has("data-status=\"ativa\"");
    reserva.has("R$\u{a0}");
    let change = reserva.form("change");
    let fim = change["fim_antes"].clone();
    let later = format!("{}T23:59", "2099-01-01");
    let refused = browser.send(&gateway, "/reserva", &change, &[("fim", &later)]).await;
    assert_eq!(refused.status, 422, "{}", refused.html);
    refused.has("<li><a href=\"#fim\">Fim</a>");
    refused.has(&format!("value=\"{later}\""));
    let moved = browser.send(&gateway, "/reserva", &change, &[("posto_id", "6")]).await;
    // By the fragment the device that has made it keeps it.
    let place = first.location.strip_suffix("#nova").expect("a new one");
    assert_eq!((moved.status, moved.location.as_str()), (303, place), "{}", moved.html);
    let again = browser.send(&gateway, "/reserva", &change, &[("posto_id", "6")]).await;
    assert_eq!(again.status, 303, "the same change: {}", again.html);
    let reserva = browser.open(&gateway, &first.location).await;
    assert_eq!(field(&reserva, "posto"), "Ponto 6");
    assert_eq!(reserva.form("change")["fim"], fim);

    let cancel = reserva.form("cancel");
    for _ in 0..2 {
        let cancelled = browser.send(&gateway, "/reserva", &cancel, &[]).await;
        assert_eq!((cancelled.status, cancelled.location.as_str()), (303, place));
    }
    let reserva = browser.open(&gateway, &first.location).await;
    reserva.has("data-status=\"cancelada\"");
    reserva.has("Cancelada a pedido de quem reservou.");
    reserva.has("<section id=\"cancel-section\" class=\"card stack\" aria-labelledby=\"cancel-title\" hidden>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_as_the_api_says_it() {
    let world = World::new().await;
    let (server, gateway) = world.pair().await;
    let browser = Browser::new();
    let form = browser.open(&gateway, "posto?server_id=server1&posto_id=5").await.form("reserve");
    assert_eq!(gateway.reservar(&payload("AAA1111", 5)).await.status, 200);
    let said = gateway.reservar(&payload("BBB2222", 5)).await;
    let refused = browser.send(&gateway, "/posto", &form, &[("placa", "CCC3333")]).await;
    assert_eq!(refused.status, 409, "{}", refused.html);
    refused.has(said.json["mensagem"].as_str().expect("a text"));
    refused.has("value=\"CCC3333\"");
    refused.has("data-state=\"taken\"");
    // Free at another time.
    let typed = [("placa", "CCC3333"), ("inicio", "2099-01-01T10:00"), ("fim", "2099-01-01T09:00")];
    let wrong = browser.send(&gateway, "/posto", &refused.form("reserve"), &typed).await;
    assert_eq!(wrong.status, 422, "{}", wrong.html);
    wrong.has("<li><a href=\"#fim\">Fim</a>");
    for (path, status, mensagem) in [
        ("posto?server_id=server1&posto_id=99", 404, "O posto 99 não existe no servidor server1."),
        ("posto?server_id=server9&posto_id=1", 503, "O servidor server9 está indisponível"),
        ("reserva?server_id=server1&request_id=nunca-vista", 404, "não existe no servidor server1"),
    ] {
        let page = browser.open(&gateway, path).await;
        assert_eq!(page.status, status, "{path}: {}", page.html);
        page.has("<body data-page=\"error\"");
        page.has(mensagem);
    }
    // What its operator did is said on the page of the reserva.
    let (location, _) = browser.reserve(&gateway, 7, "DDD4444").await;
    let maintained = json!({"disponivel": false, "em_manutencao": true, "reservas": "cancelar"});
    let taken = server.put("/postos/7/disponibilidade", &maintained).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let reserva = browser.open(&gateway, &location).await;
    reserva.has("Cancelada pelo operador: o posto entrou em manutenção.");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tokens_the_token_is_typed_into_the_form_and_is_in_no_address() {
    let world = World::new().await;
    let app = make(&world, "app1").await;
    let _server = world.server("server1").await;
    let gateway = with_tokens(&world, &[&app.line], &[]).await;
    gateway.sees("server1", "online").await;
    let token = app.token.strip_prefix("Bearer ").expect("a token");
    let browser = Browser::new();
    let form = browser.open(&gateway, "posto?server_id=server1&posto_id=5").await.form("reserve");
    let typed = [("placa", "ABC1234"), ("token", token)];
    assert_eq!(browser.send(&gateway, "/posto", &form, &typed[..1]).await.status, 401);
    let done = browser.send(&gateway, "/posto", &form, &typed).await;
    assert_eq!(done.status, 303, "{}", done.html);
    assert!(!done.location.contains(token));
    let shell = browser.open(&gateway, &done.location).await;
    assert_eq!(shell.status, 200);
    assert!(!shell.html.contains("ABC1234"), "{}", shell.html);
    let typed = [("token", token)];
    let see = shell.form("see");
    assert_eq!(browser.send(&gateway, "/reserva", &see, &[("token", "wrong")]).await.status, 401);
    let seen = browser.send(&gateway, "/reserva", &see, &typed).await;
    assert_eq!(seen.status, 200, "{}", seen.html);
    assert_eq!(field(&seen, "placa"), "ABC1234");
    assert!(!seen.html.contains(token));
    let cancelled = browser.send(&gateway, "/reserva", &seen.form("cancel"), &typed).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.html);
    cancelled.has("data-status=\"cancelada\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_again_in_the_next_minute_is_the_same_request() {
    let world = World::new().await;
    let (server, gateway) = world.pair().await;
    let browser = Browser::new();
    let form = browser.open(&gateway, "posto?server_id=server1&posto_id=5").await.form("reserve");
    // What the form asked for when it was sent first: another end than it asks for now.
    let typed = [
        "posto_id",
        "placa",
        "modelo",
        "capacidade_bateria",
        "nivel_bateria_atual",
        "taxa_descarga",
        "duracao",
        "inicio",
        "fim",
    ];
    let value = |name: &str| if name == "placa" { "ABC1234" } else { form[name].as_str() };
    let typed = typed.map(|name| (name, value(name)));
    let typed = form_urlencoded::Serializer::new(String::new()).extend_pairs(typed).finish();
    let server_id = "server1".parse().expect("an id");
    let key = format!("{}\n{typed}", form["chave"]);
    let id = RequestId::from_idempotency_key(None, KeyedCall::Reservar, &server_id, &key);
    let first = PlainClient::subscribe(&world, "first", &[]).await;
    let mut command = json!({"request_id": id, "client_id": "first", "server_id": "server1",
        "carro": payload("ABC1234", 5), "posto_id": 5});
    command["carro"].as_object_mut().expect("a carro").retain(|name, _| !name.ends_with("_id"));
    first.publish("server/postos/reserva", command).await;
    eventually("it is reserved", async || {
        server.get("/reservas").await.json["reservas"].as_array().is_some_and(|all| all.len() == 1)
    })
    .await;
    let again = browser.send(&gateway, "/posto", &form, &[("placa", "ABC1234")]).await;
    assert_eq!(again.status, 303, "{}", again.html);
    assert!(again.location.ends_with(&format!("request_id={id}#nova")), "{}", again.location);
    let reserva = browser.open(&gateway, &again.location).await;
    assert_eq!(field(&reserva, "placa"), "ABC1234");
    // Whatever became of it meanwhile.
    let cancelled = browser.send(&gateway, "/reserva", &reserva.form("cancel"), &[]).await;
    assert_eq!(cancelled.status, 303, "{}", cancelled.html);
    let again = browser.send(&gateway, "/posto", &form, &[("placa", "ABC1234")]).await;
    assert_eq!(again.status, 303, "{}", again.html);
    assert_eq!(again.location.trim_end_matches("#nova"), cancelled.location);
}
