//! What a charger reports on a topic that names its servidor, as the document has it.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::PontoDisponibilidade;

/// [`PontoDisponibilidade`], in which the topic may have said which servidor is meant.
pub(super) struct PontoDisponibilidadeDireta;

impl PartialSchema for PontoDisponibilidadeDireta {
    fn schema() -> RefOr<Schema> {
        let mut schema = PontoDisponibilidade::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.retain(|field| field != "server_id");
            object.description = Some(
                "Um carregador entra em serviço ou sai dele, em um tópico que nomeia o servidor."
                    .to_owned(),
            );
            object.examples.clear();
            object.example =
                Some(json!({"ponto_id": 5, "disponivel": false, "em_manutencao": true}));
        }
        schema
    }
}

impl ToSchema for PontoDisponibilidadeDireta {
    fn name() -> Cow<'static, str> {
        "PontoDisponibilidadeDireta".into()
    }
}
