//! The examples in the documents are true: each is what a program answers.

use client::GatewayError;
use domain::{Placa, Rejection};
use protocol::{Codigo, ServerId};
use serde_json::{Value, json};

use crate::access::app_tokens::{make, with_tokens};
use crate::documents::operations::each_operation;
use crate::harness::{Program, World, seed_payload};

/// The sentence of the example that one document has for a code.
fn documented(program: &str, codigo: Codigo) -> Option<String> {
    let mut found = None;
    each_operation(|_, shown, operation| {
        let status = codigo.http_status().to_string();
        let examples = &operation["responses"][status]["content"]["application/json"]["examples"];
        let mensagem = &examples[codigo.to_string()]["value"]["mensagem"];
        if shown.starts_with(program) && mensagem.is_string() {
            found = mensagem.as_str().map(str::to_owned);
        }
    });
    found
}

#[test]
fn refusals_have_the_sentences_of_their_decisions() {
    let (nome, server_id) = ("Ponto 5".to_owned(), "server1".to_owned());
    let request_id = Codigo::ReservaInexistente.example().request_id.expect("a request");
    let placa = Placa::new("ABC1234").expect("a placa");
    let reserva = request_id.to_string();
    let (id, posto_id) = (1, 5);
    for (codigo, rejection) in [
        (
            Codigo::PostoInexistente,
            Rejection::PostoInexistente { posto_id, server_id: server_id.clone() },
        ),
        (
            Codigo::PostoJaReservadoParaEsteCarro,
            Rejection::PostoJaReservadoParaEsteCarro { nome: nome.clone() },
        ),
        (Codigo::PostoReservado, Rejection::PostoReservado { nome: nome.clone() }),
        (Codigo::PostoIndisponivel, Rejection::PostoIndisponivel { nome: nome.clone() }),
        (Codigo::PostoEmManutencao, Rejection::PostoEmManutencao { nome: nome.clone() }),
        (Codigo::PostoEmUso, Rejection::PostoComReservas { nome: nome.clone() }),
        (
            Codigo::ReservaInexistente,
            Rejection::ReservaInexistente { reserva, server_id: server_id.clone() },
        ),
        (Codigo::ReservaEncerrada, Rejection::ReservaEncerrada),
        (Codigo::ChaveIdempotenciaReutilizada, Rejection::ChaveReutilizada),
        (Codigo::CarroInexistente, Rejection::CarroInexistente { placa, server_id }),
        (Codigo::CarregamentoInexistente, Rejection::CarregamentoInexistente { id, posto_id }),
        (Codigo::CarregamentoEncerrado, Rejection::CarregamentoEncerrado { id }),
        (Codigo::CarregamentoSobreposto, Rejection::CarregamentoSobreposto { id }),
        (
            Codigo::EnergiaImplausivel,
            Rejection::EnergiaImplausivel { nome, length_ms: 30 * 60 * 1000, limite_wh: 12_100 },
        ),
    ] {
        assert_eq!(codigo.example().mensagem, rejection.to_string());
    }
}

#[test]
fn a_gateways_faults_have_their_own_sentences() {
    let server_id: ServerId = "server1".parse().expect("an id");
    for (codigo, error) in [
        (Codigo::ServidorIndisponivel, GatewayError::ServerOffline(server_id.clone())),
        (Codigo::BrokerIndisponivel, GatewayError::BrokerDown),
        (Codigo::Sobrecarregado, GatewayError::Overloaded),
        (Codigo::TempoEsgotado, GatewayError::Timeout { server_id, ask_about: None }),
        (Codigo::ErroInterno, GatewayError::Internal),
    ] {
        assert_eq!(documented("client", codigo), Some(error.to_string()));
    }
}

/// Each of these requests is refused as its example says.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_wrong_get_the_documented_answer() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut without_posto = seed_payload();
    without_posto.as_object_mut().expect("an object").remove("posto_id");
    let long = json!({"placa": "A".repeat(100_000)});
    for (answer, codigo) in [
        (client.reservar(&without_posto).await, Codigo::RequisicaoInvalida),
        (client.post("/reservar", &long).await, Codigo::CorpoGrandeDemais),
        (client.get("/rota").await, Codigo::RotaInexistente),
        (client.get("/reservar").await, Codigo::MetodoNaoPermitido),
        (server.get("/carros/ABC1234").await, Codigo::CarroInexistente),
    ] {
        let mut expected = serde_json::to_value(codigo.example()).expect("JSON");
        let mut answered = answer.json;
        assert_eq!(answer.status, codigo.http_status(), "{answered}");
        // Each request has its own.
        expected["request_id"] = Value::Null;
        answered["request_id"] = Value::Null;
        assert_eq!(answered, expected);
    }
    let mut reservation = server.get("/reservas/1").await.json;
    reservation["request_id"] = Value::Null;
    assert_eq!(
        reservation["mensagem"].as_str().map(str::to_owned),
        documented("server", Codigo::ReservaInexistente)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_token_gets_the_documented_answer() {
    let world = World::new().await;
    let server = world.server("server1").await;
    let app = make(&world, "app1").await;
    let client = with_tokens(&world, &[&app.line], &[]).await;
    let of_client = "/reservas/x?server_id=server1";
    for (name, program, path) in [("client", &client, of_client), ("server", &server, "/carros")] {
        let answer = reqwest::get(program.url(path)).await.expect("an answer");
        assert_eq!(answer.status(), 401, "{name}");
        let answer: Value = answer.json().await.expect("JSON");
        let answered = answer["mensagem"].as_str().map(str::to_owned);
        assert_eq!(answered, documented(name, Codigo::NaoAutenticado), "{name}");
    }
    let reader = json!({"nome": "painel", "papel": "leitura"});
    let token = server.post("/tokens", &reader).await.json["token"].clone();
    let request = reqwest::Client::new().delete(server.url("/carros/ABC1234"));
    let answer = request.bearer_auth(token.as_str().expect("a token")).send().await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    let answered = answer["mensagem"].as_str().map(str::to_owned);
    assert_eq!(answered, documented("server", Codigo::NaoAutorizado), "{answer}");
}

/// With or without a token, each operation of a servidor says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_servidor_refuses_foreign_pages_as_all_its_operations_say() {
    let world = World::new().await;
    let server = world.server_with("server1", &[("ADMIN_ABERTO", "sim")]).await;
    let request = reqwest::Client::new().get(server.url("/healthz"));
    let answer = request.header("Host", "evil.example").send().await.expect("an answer");
    assert_eq!(answer.status(), 403);
    let answer: Value = answer.json().await.expect("JSON");
    each_operation(|_, shown, operation| {
        let refusal = &operation["responses"]["403"];
        if shown.starts_with("client") {
            assert!(refusal.is_null(), "{shown}");
            return;
        }
        let examples = refusal["content"]["application/json"]["examples"].as_object();
        let mut examples = examples.into_iter().flat_map(|examples| examples.values());
        assert!(examples.any(|example| example["value"] == answer), "{shown}: {refusal}");
        let description = refusal["description"].as_str().unwrap_or_default();
        assert!(description.contains("ADMIN_ABERTO"), "{shown}: {description}");
        let needs_token = operation["security"][0]["token"].is_array();
        assert_eq!(description.contains("o token não dá"), needs_token, "{shown}: {description}");
    });
}

/// A request that is wrong as the example of `requisicao_invalida` of its operation says.
struct WrongRequest {
    program: String,
    method: reqwest::Method,
    path: String,
    body: Value,
    /// The `campos` of the example.
    campos: Value,
}

impl WrongRequest {
    fn new(document: &Value, shown: &str, operation: &Value) -> Option<Self> {
        let examples = &operation["responses"]["422"]["content"]["application/json"]["examples"];
        let campos = examples["requisicao_invalida"]["value"]["campos"].clone();
        let campo = campos[0]["campo"].as_str()?.to_owned();
        let mensagem = campos[0]["mensagem"].as_str()?;
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let schema =
            body.as_str().and_then(|place| document.pointer(place.trim_start_matches('#')));
        let mut body = schema.map_or(Value::Null, |schema| schema["examples"][0].clone());
        if let Some(fields) = body.as_object_mut() {
            fields.remove(&campo);
        }
        let [program, method, path] = shown.split(' ').collect::<Vec<_>>()[..] else { return None };
        let (mut path, mut query) = (path.to_owned(), Vec::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str()?;
            let example = &parameter["example"];
            let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            match (parameter["in"].as_str()?, name == campo) {
                ("path", true) if mensagem.contains("UTF-8") => {
                    path = path.replace(&format!("{{{name}}}"), "%FF");
                }
                ("path", true) => path = path.replace(&format!("{{{name}}}"), "x"),
                ("path", false) => path = path.replace(&format!("{{{name}}}"), &example),
                ("query", true) if mensagem.contains("uma vez só") => {
                    query.push(format!("{name}=1&{name}=1"));
                }
                ("query", false) if parameter["required"] == true => {
                    query.push(format!("{name}={example}"));
                }
                _ => {}
            }
        }
        if mensagem == "não existe" {
            query.push(format!("{campo}=1"));
        }
        let path = format!("{path}?{}", query.join("&"));
        let method = method.to_uppercase().parse().ok()?;
        Some(Self { program: program.replace(':', ""), method, path, body, campos })
    }

    async fn check(self, program: &Program) {
        let shown = format!("{}: {} {}", self.program, self.method, self.path);
        let mut request = program.request(self.method, &self.path);
        if !self.body.is_null() {
            request = request.json(&self.body);
        }
        let answer = request.send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer["campos"], self.campos, "{shown}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_names_the_wrong_field_as_its_example_does() {
    let mut requests = Vec::new();
    let mut documented = 0;
    each_operation(|document, shown, operation| {
        // A file is wrong by its content, which is tried in the servidor's own tests.
        if operation["requestBody"]["content"]["text/csv"].is_object() {
            return;
        }
        documented += usize::from(operation["responses"]["422"].is_object());
        requests.extend(WrongRequest::new(document, shown, operation));
    });
    assert!(documented > 0 && requests.len() == documented, "{} of {documented}", requests.len());
    let world = World::new().await;
    let (server, client) = world.pair().await;
    for request in requests {
        let program = if request.program == "client" { &client } else { &server };
        request.check(program).await;
    }
}
