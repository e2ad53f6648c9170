//! Asking for a posto: over HTTP, and over MQTT.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::carro::CarroFields;
use crate::{
    BadMessage, Carro, Checker, ClientId, Loose, RequestId, ServerId, Timestamp, read_object,
};

/// Body of `POST /reservar`: the carro's fields, the posto, the servidor, and the stretch.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
    "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "posto_id": 5, "server_id": "server1"
}))]
pub struct ReservarBody {
    /// Licence plate; blanks, hyphens and lower case are forgiven. 5 to 8 of `A-Z 0-9` remain.
    #[schema(min_length = 5, max_length = 64, pattern = r"^[ -]*([A-Za-z0-9][ -]*){5,8}$")]
    pub placa: String,
    /// Make and model.
    #[schema(
        min_length = 1,
        max_length = 120,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$"
    )]
    pub modelo: String,
    /// Battery capacity in kWh.
    #[schema(exclusive_minimum = 0, maximum = 2000)]
    pub capacidade_bateria: f64,
    /// Energy in the battery now, in kWh; at most `capacidade_bateria`.
    #[schema(minimum = 0, maximum = 2000)]
    pub nivel_bateria_atual: f64,
    /// Consumption in kWh per km.
    #[schema(exclusive_minimum = 0, maximum = 10)]
    pub taxa_descarga: f64,
    /// The posto wanted.
    #[schema(minimum = 1)]
    pub posto_id: i64,
    /// The servidor it belongs to.
    pub server_id: ServerId,
    /// First instant wanted; by default now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inicio: Option<Timestamp>,
    /// First instant no longer wanted; by default 24 hours after `inicio`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fim: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Stretch {
    inicio: Loose<Timestamp>,
    fim: Loose<Timestamp>,
}

impl Stretch {
    fn check(self, checker: &mut Checker) -> (Option<Timestamp>, Option<Timestamp>) {
        let inicio = checker.optional("inicio", self.inicio);
        let fim = checker.optional("fim", self.fim);
        if let (Some(inicio), Some(fim)) = (inicio, fim)
            && fim <= inicio
        {
            checker.wrong("fim", "deve ser depois de inicio");
        }
        (inicio, fim)
    }
}

/// What [`ReservarBody`] looks like before its fields are checked.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ReservarFields {
    placa: Loose<String>,
    modelo: Loose<String>,
    capacidade_bateria: Loose<f64>,
    nivel_bateria_atual: Loose<f64>,
    taxa_descarga: Loose<f64>,
    posto_id: Loose<i64>,
    server_id: Loose<ServerId>,
    inicio: Loose<Timestamp>,
    fim: Loose<Timestamp>,
}

impl ReservarBody {
    /// Reads an HTTP body.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(body: &[u8]) -> Result<Self, BadMessage> {
        let fields: ReservarFields = read_object(body)?;
        let mut checker = Checker::new();
        let carro = CarroFields {
            placa: fields.placa,
            modelo: fields.modelo,
            capacidade_bateria: fields.capacidade_bateria,
            nivel_bateria_atual: fields.nivel_bateria_atual,
            taxa_descarga: fields.taxa_descarga,
        }
        .check(&mut checker);
        let posto_id = checker.positive_id("posto_id", fields.posto_id);
        let server_id = checker.required("server_id", fields.server_id);
        let stretch = Stretch { inicio: fields.inicio, fim: fields.fim };
        let (inicio, fim) = stretch.check(&mut checker);
        let message =
            carro.zip(posto_id).zip(server_id).map(|((carro, posto_id), server_id)| Self {
                placa: carro.placa,
                modelo: carro.modelo,
                capacidade_bateria: carro.capacidade_bateria,
                nivel_bateria_atual: carro.nivel_bateria_atual,
                taxa_descarga: carro.taxa_descarga,
                posto_id,
                server_id,
                inicio,
                fim,
            });
        checker.finish(message)
    }

    /// The MQTT command this body asks for.
    #[must_use]
    pub fn into_request(self, request_id: RequestId, client_id: ClientId) -> ReservaRequest {
        ReservaRequest {
            request_id,
            client_id,
            server_id: self.server_id,
            carro: Carro {
                placa: self.placa,
                modelo: self.modelo,
                capacidade_bateria: self.capacidade_bateria,
                nivel_bateria_atual: self.nivel_bateria_atual,
                taxa_descarga: self.taxa_descarga,
            },
            posto_id: self.posto_id,
            inicio: self.inicio,
            fim: self.fim,
        }
    }
}

/// `server/postos/reserva`: asks one servidor to reserve a posto.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReservaRequest {
    /// Correlates the reply; a repeat of the command carries the same one.
    pub request_id: RequestId,
    /// Who asks, and so where the reply goes.
    pub client_id: ClientId,
    /// Who should act.
    pub server_id: ServerId,
    /// The carro that wants the posto.
    pub carro: Carro,
    /// The posto wanted.
    pub posto_id: i64,
    /// First instant wanted; by default when the servidor decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inicio: Option<Timestamp>,
    /// First instant no longer wanted; by default 24 hours after `inicio`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fim: Option<Timestamp>,
}

#[derive(Deserialize)]
struct ReservaRequestFields<'a> {
    #[serde(default)]
    request_id: Loose<RequestId>,
    #[serde(default)]
    client_id: Loose<ClientId>,
    #[serde(default)]
    server_id: Loose<ServerId>,
    #[serde(borrow, default)]
    carro: Option<&'a RawValue>,
    #[serde(default)]
    posto_id: Loose<i64>,
    #[serde(default)]
    inicio: Loose<Timestamp>,
    #[serde(default)]
    fim: Loose<Timestamp>,
}

impl ReservaRequest {
    /// Reads a payload.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(payload: &[u8]) -> Result<Self, BadMessage> {
        let fields: ReservaRequestFields<'_> = read_object(payload)?;
        let mut checker = Checker::new();
        let request_id = checker.required("request_id", fields.request_id);
        let client_id = checker.required("client_id", fields.client_id);
        let server_id = checker.required("server_id", fields.server_id);
        let carro = match fields.carro.map(|raw| read_object::<CarroFields>(raw.get().as_bytes())) {
            Some(Ok(carro)) => checker.inside("carro.", |checker| carro.check(checker)),
            Some(Err(_)) => {
                checker.wrong("carro", "deve ser um objeto JSON válido");
                None
            }
            None => {
                checker.wrong("carro", "é obrigatório");
                None
            }
        };
        let posto_id = checker.positive_id("posto_id", fields.posto_id);
        let stretch = Stretch { inicio: fields.inicio, fim: fields.fim };
        let (inicio, fim) = stretch.check(&mut checker);
        let message = request_id.zip(client_id).zip(server_id).zip(carro).zip(posto_id).map(
            |((((request_id, client_id), server_id), carro), posto_id)| Self {
                request_id,
                client_id,
                server_id,
                carro,
                posto_id,
                inicio,
                fim,
            },
        );
        checker.finish(message)
    }
}
