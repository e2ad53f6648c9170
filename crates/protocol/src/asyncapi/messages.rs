//! The messages of the AsyncAPI document, each with the schema of its type and an example.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::{
    AlteracaoRequest, CarroBateria, CarroStatus, Component, ConsultaRequest, ErrorReply,
    EstimativaReply, MAX_ARRAY, PontoDisponibilidade, PontoStatus, PostosReply, PostosRequest,
    ReservaClientEvent, ReservaEvent, ReservaRef, ReservaReply, ReservaRequest, ServerPresence,
    UnchangedReply, open_enum,
};

pub(super) fn reference(place: &str, name: &str) -> Value {
    json!({"$ref": format!("#/{place}/{name}")})
}

/// Those that the channels refer to so far, and their schemas.
#[derive(Default)]
pub(super) struct Messages {
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Messages {
    /// Adds the message of this name, unless it is there.
    pub(super) fn add(&mut self, name: &str) {
        if self.messages.contains_key(name) {
            return;
        }
        match name {
            "PostosRequest" => self.add_type_with::<PostosRequest>(false, POSTOS_REQUEST),
            "PostosReply" => self.add_type::<PostosReply>(true),
            "UnchangedReply" => self.add_type_with::<UnchangedReply<'_>>(true, UNCHANGED_REPLY),
            "ReservaRequest" => self.add_type_with::<ReservaRequest>(false, RESERVA_REQUEST),
            "AlteracaoRequest" => self.add_type_with::<AlteracaoRequest>(false, ALTERACAO_REQUEST),
            "EstimativaReply" => self.add_type::<EstimativaReply>(true),
            "ReservaRef" => self.add_type_with::<ReservaRef>(false, RESERVA_REF),
            "ConsultaRequest" => self.add_type_with::<ConsultaRequest>(false, CONSULTA_REQUEST),
            "ReservaReply" => self.add_type::<ReservaReply>(true),
            "ErrorReply" => self.add_type::<ErrorReply>(true),
            "ServerPresence" => self.add_type_with::<ServerPresence>(true, PRESENCE),
            "CarroStatus" => self.add_type_with::<CarroStatus>(false, CARRO_STATUS),
            "CarroBateria" => self.add_type_with::<CarroBateria>(false, CARRO_BATERIA),
            "PontoDisponibilidade" => {
                self.add_type_with::<PontoDisponibilidade>(false, DISPONIBILIDADE);
            }
            "PontoDisponibilidadeDireta" => self.add_direct_report(),
            "PontoStatus" => self.add_type_with::<PontoStatus>(true, PONTO_STATUS),
            "ReservaEvent" => self.add_type_with::<ReservaEvent>(true, RESERVA_EVENT),
            "ReservaClientEvent" => {
                self.add_type_with::<ReservaClientEvent>(true, RESERVA_CLIENT_EVENT);
            }
            list => self.list(list),
        }
    }

    pub(super) fn into_parts(self) -> (Map<String, Value>, Map<String, Value>) {
        (self.messages, self.schemas)
    }

    /// Adds the message of a type, with the example of its schema. In one that a servidor sends, lists
    /// of words are open.
    fn add_type<T: ToSchema>(&mut self, sent: bool) {
        let example = match T::schema() {
            RefOr::T(Schema::Object(object)) => object.example,
            _ => None,
        };
        self.insert_type::<T>(sent, example.unwrap_or_default());
    }

    /// The same, with this example, for a type whose schema has none.
    fn add_type_with<T: ToSchema>(&mut self, sent: bool, example: &str) {
        self.insert_type::<T>(sent, serde_json::from_str(example).unwrap_or_default());
    }

    fn insert_type<T: ToSchema>(&mut self, sent: bool, example: Value) {
        let name = T::name().into_owned();
        let mut components: Vec<Component> = vec![(name.clone(), T::schema())];
        T::schemas(&mut components);
        for (name, mut schema) in components {
            if sent {
                open_enum(&mut schema);
            }
            let json = serde_json::to_value(&schema).unwrap_or_default();
            self.schemas.insert(name, json);
        }
        let schema = T::schema();
        self.insert(&name, description(&schema), reference("components/schemas", &name), example);
    }

    /// What a charger reports on a topic that names its servidor: the message need not.
    fn add_direct_report(&mut self) {
        let (name, summary) = (
            "PontoDisponibilidadeDireta",
            "Um carregador entra em serviço ou sai dele, em um tópico que nomeia o servidor.",
        );
        let mut schema = serde_json::to_value(PontoDisponibilidade::schema()).unwrap_or_default();
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|field| field != "server_id");
        }
        schema["description"] = json!(summary);
        self.schemas.insert(name.to_owned(), schema);
        let example = serde_json::from_str(DIRECT_DISPONIBILIDADE).unwrap_or_default();
        self.insert(name, summary, reference("components/schemas", name), example);
    }

    /// An array of messages, or of answers, any of which may be an error.
    fn list(&mut self, name: &str) {
        let item = name.trim_end_matches("List");
        let others: &[&str] = match item {
            "PostosReply" => &["UnchangedReply", "ErrorReply"],
            "ReservaReply" | "EstimativaReply" => &["ErrorReply"],
            _ => &[],
        };
        let items = [item].into_iter().chain(others.iter().copied());
        let items: Vec<_> = items.map(|item| reference("components/schemas", item)).collect();
        let payload = json!({
            "type": "array",
            "items": {"anyOf": items},
            "minItems": 1,
            "maxItems": MAX_ARRAY,
        });
        let example = &self.messages[item]["examples"][0]["payload"];
        let example = json!([example]);
        self.insert(name, &format!("Uma lista de até {MAX_ARRAY} `{item}`."), payload, example);
    }

    fn insert(&mut self, name: &str, summary: &str, payload: Value, example: Value) {
        let message = json!({
            "name": name,
            "summary": summary,
            "contentType": "application/json",
            "payload": payload,
            "examples": [{"payload": example}],
        });
        self.messages.insert(name.to_owned(), message);
    }
}

fn description(schema: &RefOr<Schema>) -> &str {
    let description = match schema {
        RefOr::T(Schema::Object(object)) => object.description.as_deref(),
        RefOr::T(Schema::AllOf(parts)) => parts.description.as_deref(),
        _ => None,
    };
    description.unwrap_or_default()
}

const POSTOS_REQUEST: &str = r#"{
    "request_id": "0198c0de-7a1b-7000-8000-000000000002", "client_id": "cliente1",
    "server_id": "server1", "disponivel": true
}"#;
const UNCHANGED_REPLY: &str = r#"{
    "request_id": "0198c0de-7a1b-7000-8000-000000000002", "inalterada": true, "versao": "5f3a-7"
}"#;
const RESERVA_REQUEST: &str = r#"{
    "request_id": "0198c0de-7a1b-7000-8000-000000000001", "client_id": "cliente1",
    "server_id": "server1",
    "carro": {
        "placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19
    },
    "posto_id": 5
}"#;
const RESERVA_REF: &str = r#"{
    "request_id": "0198c0de-7a1b-7000-8000-000000000003", "client_id": "cliente1",
    "server_id": "server1", "reserva_request_id": "0198c0de-7a1b-7000-8000-000000000001"
}"#;
const CONSULTA_REQUEST: &str = r#"{
    "request_id": "0198c0de-7a1b-7000-8000-000000000003", "client_id": "cliente1",
    "server_id": "server1", "reserva_request_id": "0198c0de-7a1b-7000-8000-000000000001",
    "somente_reserva": true
}"#;
const ALTERACAO_REQUEST: &str = r#"{
    "request_id": "0198c0de-7a1b-7000-8000-000000000005", "client_id": "cliente1",
    "server_id": "server1", "reserva_request_id": "0198c0de-7a1b-7000-8000-000000000001",
    "fim": "2026-11-24T18:00:00.000Z", "posto_id": 6
}"#;
const PRESENCE: &str = r#"{
    "server_id": "server1", "status": "online", "desde": "2026-11-23T12:00:00.000Z",
    "versao": "0.1.0", "entrega": ["difusao", "direta", "listas_em_difusao"]
}"#;
const CARRO_STATUS: &str =
    r#"{"placa": "ABC1234", "nivel_bateria": 30.5, "em_carregamento": true}"#;
const CARRO_BATERIA: &str = r#"{"placa": "ABC1234", "nivel_bateria": 30.5, "taxa_descarga": 0.2}"#;
const DISPONIBILIDADE: &str =
    r#"{"server_id": "server1", "ponto_id": 5, "disponivel": false, "em_manutencao": true}"#;
const DIRECT_DISPONIBILIDADE: &str =
    r#"{"ponto_id": 5, "disponivel": false, "em_manutencao": true}"#;
const PONTO_STATUS: &str = r#"{
    "server_id": "server1", "ponto_id": 5, "disponivel": false, "em_manutencao": true,
    "timestamp": "2026-11-23T12:00:00.000Z"
}"#;
const RESERVA_EVENT: &str = r#"{
    "server_id": "server1", "reserva_id": 17, "posto_id": 5, "status": "ativa",
    "timestamp": "2026-11-23T12:00:00.000Z"
}"#;
const RESERVA_CLIENT_EVENT: &str = r#"{
    "server_id": "server1", "request_id": "0198c0de-7a1b-7000-8000-000000000001",
    "id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
    "fim": "2026-11-24T12:00:00.000Z", "status": "cancelada", "desde": "2026-11-23T13:00:00.000Z",
    "motivo": "pedido", "preco_kwh": 2.5, "versao": 2,
    "timestamp": "2026-11-23T13:00:00.000Z"
}"#;
