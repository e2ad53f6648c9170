//! The pages for drivers without a broker: what they say, and what their forms refuse.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};

use crate::running::{Answer, Running};

const FORM: &str = "application/x-www-form-urlencoded";
/// A form that is filled in as the page asks.
const FILLED: &str = "placa=abc-1d23&modelo=&capacidade_bateria=44%2C5&nivel_bateria_atual=22%2C25\
    &taxa_descarga=0%2C19&duracao=60&inicio=&fim=&server_id=server1&posto_id=5\
    &chave=0198c0de-7a1b-7000-8000-000000000001";

fn form(gateway: &Running, path: &str, body: &str) -> RequestBuilder {
    let request = shown(gateway, Method::POST, path);
    request.header(CONTENT_TYPE, FORM).body(body.to_owned())
}

/// A request as a browser sends it for a page that it shows.
fn shown(gateway: &Running, method: Method, path: &str) -> RequestBuilder {
    gateway.request(method, path).header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
}

async fn post(gateway: &Running, path: &str, body: &str) -> Answer {
    gateway.send(form(gateway, path, body)).await
}

/// That an answer is a page with this status.
fn assert_page(answer: &Answer, status: u16, shown: &str) {
    assert_eq!(answer.status, status, "{shown}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{shown}");
    assert!(answer.text.starts_with("<!doctype html>"), "{shown}: {}", answer.text);
    assert!(answer.text.ends_with("</html>"), "{shown}");
    // Nothing that the policy does not allow, and nothing from elsewhere.
    for forbidden in ["style=\"", " onclick", " onload", "javascript:", "src=\"http", "href=\"http"]
    {
        assert!(!answer.text.contains(forbidden), "{shown}: {forbidden}");
    }
}

fn has(answer: &Answer, part: &str) {
    assert!(answer.text.contains(part), "{part} is not in {}", answer.text);
}

#[tokio::test]
async fn without_a_broker_the_list_says_what_that_means() {
    let gateway = Running::start().await;
    let page = gateway.get("/").await;
    assert_page(&page, 200, "the list");
    for part in [
        "<html lang=\"pt-BR\">",
        "<body data-page=\"list\">",
        "<a class=\"skip\" href=\"#main\">",
        "Sem contato com os postos agora.",
        "<form id=\"filters\"",
        "<ul id=\"postos\"",
        "<template id=\"posto-template\">",
    ] {
        has(&page, part);
    }
    // Nobody knows.
    assert!(
        !page.text.contains("<p id=\"count\" class=\"quiet\" role=\"status\">A"),
        "{}",
        page.text
    );
    let filtered = gateway.get("/?ordem=cor&disponivel=true&utm_source=x").await;
    assert_page(&filtered, 200, "a filter that does not exist");
    has(&filtered, "O filtro “Ordenar por” veio com um valor que não existe e foi ignorado.");
    has(&filtered, "value=\"true\" checked>");
    let head = gateway.send(gateway.request(Method::HEAD, "/")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_is_in_the_language_of_its_reader() {
    let gateway = Running::start().await;
    for (language, tag, words) in [
        ("en-US,en;q=0.9", "en", "Charging points"),
        ("pt-BR,pt;q=0.9,en;q=0.5", "pt-BR", "Postos de carregamento"),
        ("fr", "pt-BR", "Postos de carregamento"),
    ] {
        let page = gateway.request(Method::GET, "/").header("accept-language", language);
        let page = gateway.send(page).await;
        assert_page(&page, 200, language);
        has(&page, &format!("<html lang=\"{tag}\">"));
        has(&page, words);
        assert_eq!(page.header("content-language"), tag);
        let refused = shown(&gateway, Method::GET, "/posto").header("accept-language", language);
        let refused = gateway.send(refused).await;
        assert_page(&refused, 404, language);
        has(&refused, &format!("<html lang=\"{tag}\">"));
        has(&refused, "lang=\"pt-BR\">Este endereço não é o de um posto");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn pages_have_a_strict_policy_and_vary_by_language() {
    let gateway = Running::start_with(&[
        ("MAPA_TILES", "https://tile.example.com/{z}/{x}/{y}.png"),
        ("MAPA_CREDITO", "© \"Mapas\" <livres>"),
    ])
    .await;
    let named =
        |headers: &HeaderMap, name: &str| headers[name].to_str().expect("a text").to_owned();
    for (path, cache) in [("/", "no-cache"), ("/offline", "no-cache"), ("/posto", "no-store")] {
        let page = gateway.send(shown(&gateway, Method::GET, path)).await;
        let policy = named(&page.headers, "content-security-policy");
        let (scripts, others) = policy.split_once("'; style-src").expect("its scripts");
        assert!(scripts.starts_with("default-src 'none'; script-src 'self' 'sha256-"), "{policy}");
        assert_eq!(
            others,
            " 'self'; \
             img-src 'self' data: https://tile.example.com; connect-src 'self'; \
             manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(named(&page.headers, "cache-control"), cache, "{path}");
        assert!(page.headers.get_all("vary").iter().any(|names| names == "accept-language"));
        let referrer = named(&page.headers, "referrer-policy");
        assert_eq!(referrer, "strict-origin-when-cross-origin", "{path}");
        assert!(named(&page.headers, "permissions-policy").contains("geolocation=(self)"));
    }
    let list = gateway.get("/").await;
    has(&list, "data-tiles=\"https://tile.example.com/{z}/{x}/{y}.png\"");
    has(&list, "data-credit=\"© &#34;Mapas&#34; &#60;livres&#62;\"");
    gateway.stop().await;
}

#[tokio::test]
async fn refusals_of_pages_are_pages_and_those_of_the_api_are_not() {
    let gateway = Running::start().await;
    for (method, path, status, sentence) in [
        (Method::GET, "/posto?server_id=server1&posto_id=5", 503, "sem conexão com o broker MQTT"),
        (Method::GET, "/posto?server_id=a/b&posto_id=5", 404, "não é o de um posto"),
        (Method::GET, "/posto?server_id=server1&posto_id=x", 404, "não é o de um posto"),
        (Method::GET, "/reserva", 404, "não é o de uma reserva"),
        (Method::GET, "/reserva?server_id=server1&request_id=r1", 503, "sem conexão com o broker"),
        (Method::DELETE, "/posto", 405, "não aceita este método"),
        (Method::PUT, "/", 405, "não aceita este método"),
        (Method::POST, "/posto", 415, "O formulário deve vir com o cabeçalho Content-Type"),
    ] {
        let answer = gateway.send(shown(&gateway, method.clone(), path)).await;
        let what = format!("{method} {path}");
        assert_page(&answer, status, &what);
        has(&answer, sentence);
        assert_eq!(answer.headers.contains_key("allow"), status == 405, "{what}");
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        assert!(!answer.header("x-request-id").is_empty(), "{what}");
        // A program, which asks for no page, gets what it gets everywhere.
        let to_program = gateway.send(gateway.request(method, path)).await;
        assert_eq!(
            (to_program.status, to_program.header("content-type")),
            (status, "application/json")
        );
        assert!(to_program.json["mensagem"].as_str().is_some_and(|text| text.contains(sentence)));
    }
    let allowed = gateway.send(gateway.request(Method::DELETE, "/posto")).await;
    for method in ["GET", "POST"] {
        assert!(allowed.header("allow").contains(method), "{}", allowed.header("allow"));
    }
    gateway.get("/nope").await.assert_refused((404, "rota_inexistente"), "no page");
    gateway.get("/reservas/r1").await.assert_refused((422, "requisicao_invalida"), "no page");
    gateway.stop().await;
}

#[tokio::test]
async fn all_wrong_fields_are_said_beside_them_and_what_was_typed_stays() {
    let gateway = Running::start().await;
    let typed = "placa=A%22%3E%3Cscript%3E&modelo=%3Cb%3Ex%3C%2Fb%3E&capacidade_bateria=muita\
        &nivel_bateria_atual=22%2C25&taxa_descarga=&duracao=120&inicio=&fim=&server_id=server1\
        &posto_id=5&chave=curta";
    let page = post(&gateway, "/posto", typed).await;
    assert_page(&page, 422, "wrong fields");
    for part in [
        "<body data-page=\"posto\">",
        "<div id=\"errors\" class=\"notice bad\" role=\"alert\" tabindex=\"-1\">",
        "<li><a href=\"#placa\">Placa do carro</a>",
        "<li><a href=\"#capacidade_bateria\">",
        "<li><a href=\"#taxa_descarga\">",
        "<li><a href=\"#reserve\">Pedido</a>: <span lang=\"pt-BR\">Idempotency-Key deve vir",
        "aria-describedby=\"placa-hint placa-error\" aria-invalid=\"true\"",
        "value=\"A&#34;&#62;&#60;script&#62;\"",
        "value=\"&#60;b&#62;x&#60;/b&#62;\"",
        "value=\"muita\"",
        "<option value=\"120\" selected>",
        "id=\"taxa_descarga-error\" lang=\"pt-BR\">é obrigatório</p>",
    ] {
        has(&page, part);
    }
    assert!(!page.text.contains("<li><a href=\"#nivel_bateria_atual\">"), "{}", page.text);
    // The details with the wrong fields are open, the others are not.
    has(&page, "<details open>\n<summary>Dados do carro</summary>");
    has(&page, "<details>\n<summary>Outro horário</summary>");
    let json = gateway.reservar(r#"{"server_id": "server1", "posto_id": 5, "placa": "ABC1234"}"#);
    let campos = gateway.send(json).await.campos().join(" ");
    assert!(campos.contains("taxa_descarga"), "the same rules: {campos}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_form_whose_outcome_is_not_known_is_the_same_request_when_it_is_sent_again() {
    let gateway = Running::start().await;
    let page = post(&gateway, "/posto", FILLED).await;
    assert_page(&page, 503, "no broker");
    has(&page, "lang=\"pt-BR\">O cliente está sem conexão com o broker MQTT.");
    has(&page, "autocomplete=\"off\" value=\"0198c0de-7a1b-7000-8000-000000000001\"");
    has(&page, "value=\"abc-1d23\"");
    let wrong = post(&gateway, "/posto", &FILLED.replace("abc", "%20")).await;
    assert_page(&wrong, 422, "refused");
    assert!(!wrong.text.contains("0198c0de-7a1b-7000-8000-000000000001"), "{}", wrong.text);
    gateway.stop().await;
}

#[tokio::test]
async fn forms_are_only_taken_from_the_pages_themselves() {
    let gateway = Running::start().await;
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 503),
    ] {
        for path in ["/posto", "/reserva"] {
            let body = format!("{FILLED}&request_id=r1&acao=cancelar");
            let answer = gateway.send(form(&gateway, path, &body).header(header, value)).await;
            assert_page(&answer, status, &format!("{path} {header}: {value}"));
        }
    }
    let long = format!("{FILLED}&x={}", "x".repeat(16 * 1024));
    assert_page(&post(&gateway, "/posto", &long).await, 413, "a long form");
    assert_page(&post(&gateway, "/posto", "placa=%FF").await, 422, "no UTF-8");
    let unknown = post(&gateway, "/reserva", "server_id=server1&request_id=r1&acao=x").await;
    assert_page(&unknown, 422, "nothing to do");
    let nothing = "server_id=server1&request_id=r1&acao=alterar&inicio=&fim=&posto_id=";
    assert_page(&post(&gateway, "/reserva", nothing).await, 503, "a change needs its reserva");
    gateway.stop().await;
}

#[tokio::test]
async fn with_tokens_a_reserva_is_only_for_callers_that_have_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokens");
    let token = "um-token-de-teste-bem-longo";
    let hash = service::SecretHash::of(token);
    let hash: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(&path, format!("app1 sha256:{hash}\n")).expect("a file");
    let path = path.to_str().expect("a text");
    let gateway = Running::start_with(&[("API_TOKENS_FILE", path)]).await;
    for (path, asks) in [("/", false), ("/offline", false)] {
        let page = gateway.get(path).await;
        assert_page(&page, 200, path);
        has(&page, " data-tokens>");
        assert_eq!(page.text.contains("name=\"token\""), asks, "{path}");
    }
    let shell = gateway.get("/reserva?server_id=server1&request_id=r1").await;
    assert_page(&shell, 200, "a page that asks for the token");
    has(&shell, "name=\"token\" type=\"password\"");
    has(&shell, "name=\"acao\" value=\"ver\"");
    assert_eq!(shell.header("cache-control"), "no-store");
    let see = "server_id=server1&request_id=r1&acao=ver";
    for (path, body) in [("/posto", FILLED), ("/reserva", see)] {
        for (token, status) in
            [("", 401), ("&token=wrong", 401), (&*format!("&token={token}"), 503)]
        {
            let answer = post(&gateway, path, &format!("{body}{token}")).await;
            assert_page(&answer, status, &format!("{path} {token}"));
            assert!(!answer.text.contains("um-token"), "a token is never sent back");
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        }
        let header = form(&gateway, path, body).bearer_auth(token);
        assert_page(&gateway.send(header).await, 503, "a header does as well");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_is_found_with_a_slash_at_its_end() {
    let gateway = Running::start().await;
    for (typed, page) in [
        ("/posto/?server_id=server1&posto_id=5", "../posto?server_id=server1&posto_id=5"),
        ("/reserva//?request_id=r", "../../reserva?request_id=r"),
        ("/offline/", "../offline"),
    ] {
        let answer = gateway.send(shown(&gateway, Method::GET, typed)).await;
        assert_eq!((answer.status, answer.header("location")), (308, page), "{typed}");
    }
    // A form is taken at either address.
    assert_page(&post(&gateway, "/posto/", FILLED).await, 503, "without a broker");
    gateway.stop().await;
}
