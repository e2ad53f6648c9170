//! What `/docs` fills in, so that each operation runs as it is opened.

use serde_json::{Value, json};

use super::operations::Kind;

/// A value of a required parameter. The postos are of the sample data. A change and a removal have a
/// posto of their own, so that trying them out does not take away the one that the example of a
/// reservation asks for. What is not in the sample data is answered with a documented 404.
pub(super) fn of_parameter(path: &str, name: &str, kind: Kind) -> Option<Value> {
    Some(match name {
        "server_id" => json!("server1"),
        "request_id" => json!("0198c0de-7a1b-7000-8000-000000000001"),
        "placa" => json!("ABC1234"),
        "nome" => json!("painel"),
        "id" | "posto_id" if path.starts_with("/postos") => match kind {
            Kind::Read => json!(5),
            Kind::Change => json!(6),
            Kind::Remove => json!(20),
        },
        "id" => json!(1),
        name if name.ends_with("_id") => json!(1),
        _ => return None,
    })
}
