//! Values and readings that the tests share.

use std::fmt::Debug;

use domain::{CapacidadeBateria, Carro, KwhPerKm, Modelo, NivelBateria, Placa, RowId};
use protocol::{BadMessage, ReservarBody, Timestamp, read_body};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The body that the seed shows for `POST /reservar`.
pub(crate) const SEED_BODY: &str = r#"{"placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "posto_id": 5, "server_id": "server1"}"#;

/// An id of any kind.
pub(crate) fn id<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid id")
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn row_id(id: i64) -> RowId {
    RowId::new(id).expect("an id")
}

pub(crate) fn placa(text: &str) -> Placa {
    Placa::new(text).expect("a placa")
}

pub(crate) fn level(kwh: f64) -> NivelBateria {
    NivelBateria::new(kwh).expect("a level")
}

pub(crate) fn seed_carro() -> Carro {
    Carro {
        placa: placa("ABC1234"),
        modelo: Modelo::new("BYD Dolphin").expect("a model"),
        capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
        nivel_bateria_atual: level(22.3),
        taxa_descarga: KwhPerKm::new(0.19).expect("a consumption"),
    }
}

/// JSON laid out over several lines, as it is on the wire.
pub(crate) fn compact(json: &str) -> String {
    json.lines().map(str::trim).collect()
}

/// `message` is written as `json`, to the byte, and `json` is read as `message`.
pub(crate) fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T, json: &str) {
    let json = compact(json);
    assert_eq!(serde_json::to_string(message).expect("it can be written"), json);
    assert_eq!(&serde_json::from_str::<T>(&json).expect("it can be read"), message);
}

/// `base` with one field set to `json`, or without it if that is empty.
pub(crate) fn with(base: &str, campo: &str, json: &str) -> String {
    let mut message: Value = serde_json::from_str(base).expect("JSON");
    let (object, key) = match campo.split_once('.') {
        Some((outer, inner)) => (&mut message[outer], inner),
        None => (&mut message, campo),
    };
    object[key] = json!("here");
    if json.is_empty() {
        object.as_object_mut().expect("an object").remove(key);
    }
    // Textually, for what serde_json cannot hold, such as 1e400.
    message.to_string().replace(r#""here""#, json)
}

/// The seed's body with other fields.
pub(crate) fn body_with(campo: &str, json: &str) -> Result<ReservarBody, BadMessage> {
    read_body(with(SEED_BODY, campo, json).as_bytes())
}

/// The names of the wrong fields; panics when nothing was wrong.
pub(crate) fn wrong_fields<T: Debug>(read: Result<T, BadMessage>) -> Vec<String> {
    let campos = read.expect_err("something is wrong").campos();
    campos.into_iter().map(|wrong| wrong.campo).collect()
}

/// The error of the one wrong field.
pub(crate) fn mensagem<T: Debug>(read: Result<T, BadMessage>) -> String {
    let campos = read.expect_err("something is wrong").campos();
    let [wrong] = campos.as_slice() else { panic!("not one wrong field: {campos:?}") };
    wrong.mensagem.clone()
}

/// Why a payload is not even an object.
pub(crate) fn not_json<T: Debug>(read: Result<T, BadMessage>) -> String {
    match read {
        Err(BadMessage::NotJson(reason)) => reason,
        other => panic!("taken as an object: {other:?}"),
    }
}
