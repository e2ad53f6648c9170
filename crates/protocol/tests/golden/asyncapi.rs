//! The AsyncAPI document has every topic that the programs use, and messages as they are read.

use protocol::topics::{self, Command};
use protocol::{
    AlteracaoRequest, CarroBateria, CarroStatus, ConsultaRequest, ErrorReply, EstimativaReply,
    ListingReply, PontoDisponibilidade, PontoStatus, PostosReply, PostosRequest,
    ReservaClientEvent, ReservaEvent, ReservaRef, ReservaReply, ReservaRequest, ServerPresence,
    UnchangedReply, asyncapi, read_json,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::id;

/// The addresses of the channels, with these ids in place of the parameters.
fn addresses() -> Vec<String> {
    let document = asyncapi();
    let channels = document["channels"].as_object().expect("channels").values();
    let addresses = channels.map(|channel| channel["address"].as_str().expect("an address"));
    let filled = addresses.map(|address| {
        let address = address.replace("{server_id}", "server1").replace("{client_id}", "cliente1");
        address.replace("{posto_id}", "5").replace("{reserva_id}", "17").replace("{placa}", "+")
    });
    filled.collect()
}

#[test]
fn its_channels_are_the_topics() {
    let (server, client) = (id("server1"), id("cliente1"));
    let mut topics = vec![
        topics::presence(&server),
        topics::ponto_status(5),
        topics::reserva_status(17),
        topics::client_reserva_status(&client),
    ];
    let heard = topics::server_subscriptions(&server);
    topics.extend(heard.into_iter().map(|topic| topic.replace("pontos/+", "pontos/5")));
    topics.extend(Command::ALL.iter().map(|command| topics::response(&client, *command)));
    let mut addresses = addresses();
    addresses.sort();
    topics.sort();
    assert_eq!(addresses, topics);
}

/// A message that a program reads with `read_json`: its example is read and written again.
fn written<T: Serialize, E: std::fmt::Debug>(read: Result<T, E>) -> Value {
    serde_json::to_value(read.expect("the example can be read")).expect("JSON")
}

fn derived<T: Serialize + DeserializeOwned>(payload: &[u8]) -> Value {
    written(serde_json::from_slice::<T>(payload))
}

/// As a gateway reads it and a servidor writes it.
fn unchanged(payload: &[u8]) -> Value {
    let read = ListingReply::read_head(payload).expect("the example can be read");
    assert!(read.inalterada && read.postos.is_none());
    let request_id = std::str::from_utf8(&payload[read.request_id]).expect("a text");
    let versao = read.versao.expect("a version");
    written::<_, ()>(Ok(UnchangedReply::new(request_id.trim_matches('"'), &versao)))
}

/// The example of this message, read by its type and written again.
fn read_and_written(name: &str, payload: &[u8]) -> Value {
    match name {
        "PostosRequest" => written(read_json::<PostosRequest>(payload)),
        "PostosReply" => derived::<PostosReply>(payload),
        "UnchangedReply" => unchanged(payload),
        "ReservaRequest" => written(read_json::<ReservaRequest>(payload)),
        "AlteracaoRequest" => written(read_json::<AlteracaoRequest>(payload)),
        "EstimativaReply" => derived::<EstimativaReply>(payload),
        "ReservaRef" => written(read_json::<ReservaRef>(payload)),
        "ConsultaRequest" => written(read_json::<ConsultaRequest>(payload)),
        "ReservaReply" => derived::<ReservaReply>(payload),
        "ErrorReply" => derived::<ErrorReply>(payload),
        "ServerPresence" => derived::<ServerPresence>(payload),
        "CarroStatus" => written(CarroStatus::from_json(payload, "ABC1234")),
        "CarroBateria" => written(CarroBateria::from_json(payload, "ABC1234")),
        "PontoDisponibilidade" => written(PontoDisponibilidade::from_json(payload, "5", None)),
        "PontoDisponibilidadeDireta" => {
            let server_id = Some(id("server1"));
            let read = PontoDisponibilidade::from_json(payload, "5", server_id.as_ref());
            let mut report = written(read);
            report.as_object_mut().and_then(|fields| fields.remove("server_id"));
            report
        }
        "PontoStatus" => derived::<PontoStatus>(payload),
        "ReservaEvent" => derived::<ReservaEvent>(payload),
        "ReservaClientEvent" => derived::<ReservaClientEvent>(payload),
        name => panic!("nothing reads {name}"),
    }
}

/// The fields that a schema describes, and those that it requires: its own, and those of the schemas
/// that it is made of.
fn fields<'a>(document: &'a Value, name: &str) -> (Vec<&'a String>, Vec<&'a str>) {
    let (mut properties, mut required) = (Vec::new(), Vec::new());
    let mut schemas = vec![&document["components"]["schemas"][name]];
    while let Some(schema) = schemas.pop() {
        schemas.extend(schema["allOf"].as_array().into_iter().flatten());
        if let Some(reference) = schema["$ref"].as_str() {
            schemas.push(document.pointer(&reference[1..]).expect("a schema"));
        }
        properties.extend(schema["properties"].as_object().into_iter().flatten().map(|it| it.0));
        let names = schema["required"].as_array().into_iter().flatten();
        required.extend(names.map(|name| name.as_str().expect("a name")));
    }
    (properties, required)
}

#[test]
fn its_examples_are_messages() {
    let document = asyncapi();
    for (name, message) in document["components"]["messages"].as_object().expect("messages") {
        let payload = &message["examples"][0]["payload"];
        // An array of messages has the messages of another type.
        let (name, items) = match payload.as_array() {
            Some(items) => (name.trim_end_matches("List"), items.as_slice()),
            None => (name.as_str(), std::slice::from_ref(payload)),
        };
        assert!(!items.is_empty(), "{name}");
        for item in items {
            let again = read_and_written(name, item.to_string().as_bytes());
            assert_eq!(&again, item, "{name}");
            let (properties, required) = fields(&document, name);
            for field in item.as_object().expect("an object").keys() {
                assert!(properties.contains(&field), "{name}: {field} is not documented");
            }
            assert!(!required.is_empty(), "{name}");
            for field in required {
                assert!(!item[field].is_null(), "{name}: {field} is required");
            }
        }
    }
}

#[test]
fn everything_is_described() {
    let document = asyncapi();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(schema["description"].is_string(), "{name} is not described");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let described = [&property["description"], &property["oneOf"][0]["description"]];
            let described =
                described.iter().any(|text| text.as_str().is_some_and(|t| !t.is_empty()))
                    || property["oneOf"].is_array() && property["description"].is_string();
            assert!(described, "{name}.{field} is not described");
        }
    }
    for (name, message) in document["components"]["messages"].as_object().expect("messages") {
        assert!(message["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
}

/// As they are read: a server_id may say the same again, on all topics of carros too.
#[test]
fn a_report_on_a_topic_that_names_its_servidor_may_name_it_too() {
    let document = asyncapi();
    for channel in ["carro_status", "carro_bateria", "ponto_disponibilidade"] {
        for direct in [false, true] {
            let channel = if direct { format!("{channel}_direto") } else { channel.to_owned() };
            let messages = document["channels"][&channel]["messages"].as_object();
            for name in messages.expect("messages").keys() {
                let (properties, required) = fields(&document, name);
                assert!(properties.iter().any(|name| *name == "server_id"), "{channel}");
                let is_required = required.contains(&"server_id");
                assert_eq!(is_required, channel == "ponto_disponibilidade", "{channel}");
            }
        }
    }
}

/// All the answers that a client must expect, alone and in an array.
#[test]
fn the_answers_to_a_listing_include_that_nothing_has_changed() {
    let document = asyncapi();
    let answers = document["channels"]["postos_response"]["messages"].as_object();
    let mut names: Vec<_> = answers.expect("messages").keys().collect();
    names.sort();
    assert_eq!(names, ["ErrorReply", "PostosReply", "PostosReplyList", "UnchangedReply"]);
    let items = &document["components"]["messages"]["PostosReplyList"]["payload"]["items"];
    let items = items["anyOf"].as_array().expect("kinds of answers");
    assert!(items.contains(&json!({"$ref": "#/components/schemas/UnchangedReply"})), "{items:?}");
}

/// What a program needs that goes without a gateway.
#[test]
fn it_says_how_to_log_in_and_how_a_command_expires() {
    let document = asyncapi();
    for (name, server) in document["servers"].as_object().expect("servers") {
        let scheme = server["security"][0]["$ref"].as_str().expect("a reference");
        let scheme = document.pointer(&scheme[1..]).expect("a scheme");
        assert_eq!(scheme["type"], "userPassword", "{name}");
        assert!(scheme["description"].as_str().is_some_and(|text| text.contains("TLS")), "{name}");
    }
    let description = document["info"]["description"].as_str().expect("a description");
    for part in ["Message Expiry Interval", "`expires` com o valor `yes`"] {
        assert!(description.contains(part), "{part}");
    }
}

#[test]
fn a_command_names_the_channel_of_its_answers() {
    let document = asyncapi();
    for (id, operation) in document["operations"].as_object().expect("operations") {
        let channel = &document["channels"][id];
        let address = channel["address"].as_str().expect("an address");
        let is_command = address.contains("/postos/") && operation["action"] == "receive";
        assert_eq!(operation["reply"].is_object(), is_command, "{id}");
    }
}
