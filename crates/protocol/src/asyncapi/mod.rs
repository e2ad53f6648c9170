//! The AsyncAPI document of all that goes over MQTT, made of the topics and message types.

mod carro_report;
mod direct_report;
mod messages;

use serde_json::{Map, Value, json};

use crate::topics::Command;
use crate::{
    AlteracaoRequest, CarroBateria, CarroStatus, ConsultaRequest, EstimativaReply,
    PontoDisponibilidade, PontoStatus, PostosReply, PostosRequest, ReservaClientEvent,
    ReservaEvent, ReservaRef, ReservaReply, ReservaRequest, ServerPresence,
};
use carro_report::CarroReport;
use direct_report::PontoDisponibilidadeDireta;
use messages::{Message, Messages, OTHER_ANSWERS, OTHER_ANSWERS_TO_LISTING, Payload, reference};

/// A topic, as the document describes it.
struct Channel {
    id: String,
    address: String,
    description: &'static str,
    messages: Vec<Payload>,
    /// What the servidor does here: `receive` or `send`.
    action: &'static str,
    /// The channel of the answers.
    reply: Option<String>,
    retain: bool,
}

/// The document, which both programs serve.
pub fn asyncapi() -> Value {
    let channels = channels();
    let mut messages = Messages::default();
    for payload in channels.iter().flat_map(|channel| &channel.messages) {
        messages.add(*payload);
    }
    let by_id = |part: fn(&Channel) -> Value| -> Map<String, Value> {
        channels.iter().map(|channel| (channel.id.clone(), part(channel))).collect()
    };
    let (messages, schemas) = messages.into_parts();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Postos de carregamento por MQTT",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "contact": {"name": "Suíte de postos de carregamento"},
            "license": {
                "name": "MIT ou Apache-2.0",
                "url": "https://spdx.org/licenses/MIT.html",
            },
        },
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": by_id(Channel::document),
        "operations": by_id(Channel::operation),
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {LOGIN: {"type": "userPassword", "description": LOGIN_DESCRIPTION}},
        },
    })
}

const DESCRIPTION: &str = "Comandos, respostas e eventos entre clientes, servidores, carros e \
    carregadores. MQTT 5 com QoS 1; clientes MQTT 3.1.1 são atendidos também. As operações são do \
    ponto de vista de um servidor: ele recebe comandos e envia respostas. Cada resposta traz o \
    `request_id` do comando. Um comando só é atendido pelo servidor do seu `server_id`. As APIs \
    HTTP estão em `openapi.json`.\n\n\
    Um comando expira pelo Message Expiry Interval do MQTT 5: os segundos que o cliente espera pela \
    resposta, e depois dos quais o servidor não o executa. Envie com ele a propriedade de usuário \
    `expires` com o valor `yes`, porque o Mosquitto deixa de enviar o intervalo no último segundo e \
    depois de reiniciar. Um comando sem intervalo, como os do MQTT 3.1.1, pode esperar no broker e \
    é executado até `TEMPO_LIMITE_RESERVA` (10 s, se a instalação não o muda) depois que o servidor \
    o recebe.";

const LOGIN: &str = "login";
const LOGIN_DESCRIPTION: &str = "As portas publicadas do broker pedem um nome, como `app.app1`, e \
    sua senha, que o operador cria com `usuario novo`; cada nome tem os tópicos do seu papel. Dentro \
    da rede do Docker, e onde o operador abriu o broker, não se pede nenhum. Se o broker tem um \
    certificado, estas portas falam só TLS (`mqtts`, `wss`); sem ele, a senha pode ser lida no \
    caminho.";

fn servers() -> Value {
    let server = |port: &str, protocol: &str, description: &str| {
        json!({
            "host": "{host}:{porta}",
            "protocol": protocol,
            "protocolVersion": "5",
            "description": description,
            "security": [reference("components/securitySchemes", LOGIN)],
            "variables": {
                "host": {"default": "localhost", "description": "Onde o broker está."},
                "porta": {"default": port, "description": "A porta, que a instalação pode mudar."},
            },
        })
    };
    let mut websocket = server("9001", "ws", "O mesmo broker, por WebSocket.");
    websocket["pathname"] = json!("/mqtt");
    json!({"broker": server("1883", "mqtt", "O broker MQTT."), "broker_websocket": websocket})
}

fn channels() -> Vec<Channel> {
    let commands = Command::ALL.iter().flat_map(|command| command_channels(*command));
    commands.chain(reports()).chain(events()).collect()
}

/// A command to all servidores, to one, and the answers to both.
fn command_channels(command: Command) -> [Channel; 3] {
    let reserva = Message::sent::<ReservaReply>();
    let (name, request, answer) = match command {
        Command::Postos => {
            ("postos", Message::received::<PostosRequest>(), Message::sent::<PostosReply>())
        }
        Command::Reserva => ("reserva", Message::received::<ReservaRequest>(), reserva),
        Command::Cancelamento => ("cancelamento", Message::received::<ReservaRef>(), reserva),
        Command::Consulta => ("consulta", Message::received::<ConsultaRequest>(), reserva),
        Command::Alteracao => ("alteracao", Message::received::<AlteracaoRequest>(), reserva),
        Command::Estimativa => {
            let estimativa = Message::sent::<EstimativaReply>();
            ("estimativa", Message::received::<ReservaRequest>(), estimativa)
        }
    };
    let others = match command {
        Command::Postos => OTHER_ANSWERS_TO_LISTING,
        _ => OTHER_ANSWERS,
    };
    let mut answers = vec![Payload::One(answer)];
    answers.extend(others.iter().copied().map(Payload::One));
    answers.push(Payload::Array(answer, others));
    let (path, response) = (command.request_path(), format!("{name}_response"));
    let requests = vec![Payload::One(request), Payload::Array(request, &[])];
    let receive = |id: &str, address: &str, description| Channel {
        reply: Some(response.clone()),
        ..Channel::received(id, address, description, requests.clone())
    };
    [
        receive(
            name,
            &format!("server/{path}"),
            "Todo servidor recebe; só o do `server_id` atende. Uma lista só pode vir se a presença de \
             cada servidor tem `listas_em_difusao`, e é respondida com listas.",
        ),
        receive(
            &format!("{name}_direto"),
            &format!("server/{{server_id}}/{path}"),
            "Só este servidor recebe. Pode vir uma lista, que é respondida com listas.",
        ),
        Channel {
            action: "send",
            ..Channel::received(
                &response,
                &format!("client/{{client_id}}/{}", command.response_path()),
                "As respostas a um cliente.",
                answers,
            )
        },
    ]
}

/// What carros and chargers report.
fn reports() -> [Channel; 6] {
    let report = |id, address, description, message| {
        Channel::received(id, address, description, vec![Payload::One(message)])
    };
    let status = Message::received::<CarroReport<CarroStatus>>();
    let bateria = Message::received::<CarroReport<CarroBateria>>();
    let disponibilidade = Message::received::<PontoDisponibilidade>();
    let carro = "O que um carro informa. Um servidor só considera os carros que conhece.";
    let direct = "O que um carro informa a este servidor só.";
    [
        report("carro_status", "carros/{placa}/status", carro, status),
        report("carro_bateria", "carros/{placa}/bateria", carro, bateria),
        report(
            "ponto_disponibilidade",
            "pontos/{posto_id}/disponibilidade",
            "O que um carregador informa a seu servidor. A mensagem pode ser retida.",
            disponibilidade,
        ),
        report("carro_status_direto", "server/{server_id}/carros/{placa}/status", direct, status),
        report(
            "carro_bateria_direto",
            "server/{server_id}/carros/{placa}/bateria",
            direct,
            bateria,
        ),
        report(
            "ponto_disponibilidade_direto",
            "server/{server_id}/pontos/{posto_id}/disponibilidade",
            "O que um carregador informa a este servidor só. A mensagem pode ser retida, e o \
             `server_id` dela pode faltar.",
            Message::received::<PontoDisponibilidadeDireta>(),
        ),
    ]
}

/// What a servidor publishes for everyone.
fn events() -> [Channel; 4] {
    let event = |id, address, description, messages, retain| Channel {
        action: "send",
        retain,
        ..Channel::received(id, address, description, messages)
    };
    let reserva = Message::sent::<ReservaClientEvent>();
    [
        event(
            "presenca",
            "server/{server_id}/status",
            "Se um servidor está conectado: mensagem retida, e também seu Last Will. Uma vazia \
             apaga o servidor.",
            vec![Payload::One(Message::sent::<ServerPresence>())],
            true,
        ),
        event(
            "ponto_status",
            "pontos/{posto_id}/status",
            "A situação de um posto, a cada mudança. Um cliente ouve os de todos enquanto alguém lê \
             `GET /eventos`.",
            vec![Payload::One(Message::sent::<PontoStatus>())],
            false,
        ),
        event(
            "reserva_status",
            "reservas/{reserva_id}/status",
            "A situação de uma reserva, a cada mudança. Não diz de quem ela é. Um cliente ouve o de \
             uma reserva enquanto alguém lê seus eventos, e a cada um consulta a reserva: números \
             de reservas se repetem entre servidores.",
            vec![Payload::One(Message::sent::<ReservaEvent>())],
            false,
        ),
        event(
            "cliente_reserva_status",
            "client/{client_id}/reservas/status",
            "A reserva que este cliente fez, a cada mudança depois de feita. Uma lista só vem a um \
             cliente cujo último comando tinha `\"listas\": true`. O cliente ouve enquanto alguém lê \
             os eventos de uma reserva.",
            vec![Payload::One(reserva), Payload::Array(reserva, &[])],
            false,
        ),
    ]
}

/// What each parameter of a topic is.
fn parameter(name: &str) -> Value {
    let description = match name {
        "client_id" => "O cliente, como no comando: de 1 a 64 de `A-Z a-z 0-9 _ -`.",
        "server_id" => "O servidor: de 1 a 64 de `A-Z a-z 0-9 _ -`.",
        "placa" => "A placa do carro.",
        "posto_id" => "O número do posto no servidor.",
        _ => "O número da reserva no servidor.",
    };
    json!({"description": description})
}

impl Channel {
    fn received(
        id: &str,
        address: &str,
        description: &'static str,
        messages: Vec<Payload>,
    ) -> Self {
        let (id, address) = (id.to_owned(), address.to_owned());
        Self { id, address, description, messages, action: "receive", reply: None, retain: false }
    }

    fn document(&self) -> Value {
        let parameters: Map<_, _> =
            parameters(&self.address).map(|name| (name.to_owned(), parameter(name))).collect();
        let messages: Map<_, _> = self
            .messages
            .iter()
            .map(|payload| payload.name())
            .map(|name| (name.clone(), reference("components/messages", &name)))
            .collect();
        let mut channel = json!({
            "address": self.address,
            "description": self.description,
            "messages": messages,
        });
        if !parameters.is_empty() {
            channel["parameters"] = Value::Object(parameters);
        }
        channel
    }

    fn operation(&self) -> Value {
        let mut operation = json!({
            "action": self.action,
            "channel": reference("channels", &self.id),
            "summary": self.description,
            "bindings": {"mqtt": {"qos": 1, "retain": self.retain, "bindingVersion": "0.2.0"}},
        });
        if let Some(reply) = &self.reply {
            operation["reply"] = json!({"channel": reference("channels", reply)});
        }
        operation
    }
}

/// The names in braces.
fn parameters(address: &str) -> impl Iterator<Item = &str> {
    address.split('/').filter_map(|level| level.strip_prefix('{')?.strip_suffix('}'))
}
