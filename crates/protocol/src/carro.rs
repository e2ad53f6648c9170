//! What is said about a carro: in a reservation, and by the carro itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BadMessage, Checker, Loose, read_object};

/// The largest battery taken as plausible, in kWh.
pub const MAX_CAPACIDADE_BATERIA: f64 = 2000.0;
/// The largest consumption taken as plausible, in kWh per km.
pub const MAX_TAXA_DESCARGA: f64 = 10.0;
/// The longest model name, in characters.
const MAX_MODELO: usize = 120;

/// A carro as its driver's app describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Carro {
    /// Licence plate in its normal form: 5 to 8 of `A-Z 0-9`.
    pub placa: String,
    /// Make and model, 1 to 120 characters.
    pub modelo: String,
    /// Battery capacity in kWh.
    pub capacidade_bateria: f64,
    /// Energy in the battery now, in kWh.
    pub nivel_bateria_atual: f64,
    /// Consumption in kWh per km.
    pub taxa_descarga: f64,
}

/// The fields of a [`Carro`] as they came.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CarroFields {
    pub(crate) placa: Loose<String>,
    pub(crate) modelo: Loose<String>,
    pub(crate) capacidade_bateria: Loose<f64>,
    pub(crate) nivel_bateria_atual: Loose<f64>,
    pub(crate) taxa_descarga: Loose<f64>,
}

impl CarroFields {
    /// Checks every field.
    pub(crate) fn check(self, checker: &mut Checker) -> Option<Carro> {
        let placa = checker.placa("placa", self.placa);
        let modelo = checker.text("modelo", self.modelo, MAX_MODELO);
        let capacidade_bateria =
            checker.positive("capacidade_bateria", self.capacidade_bateria, MAX_CAPACIDADE_BATERIA);
        let nivel_bateria_atual = checker.level(
            "nivel_bateria_atual",
            self.nivel_bateria_atual,
            capacidade_bateria.unwrap_or(MAX_CAPACIDADE_BATERIA),
        );
        let taxa_descarga =
            checker.positive("taxa_descarga", self.taxa_descarga, MAX_TAXA_DESCARGA);
        Some(Carro {
            placa: placa?,
            modelo: modelo?,
            capacidade_bateria: capacidade_bateria?,
            nivel_bateria_atual: nivel_bateria_atual?,
            taxa_descarga: taxa_descarga?,
        })
    }
}

/// `carros/{placa}/status`: a carro says whether it is charging.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarroStatus {
    /// Licence plate in its normal form.
    pub placa: String,
    /// Energy in the battery, in kWh.
    pub nivel_bateria: f64,
    /// Whether the carro is plugged in and charging.
    pub em_carregamento: bool,
}

/// `carros/{placa}/bateria`: a carro says how full its battery is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarroBateria {
    /// Licence plate in its normal form.
    pub placa: String,
    /// Energy in the battery, in kWh.
    pub nivel_bateria: f64,
    /// Consumption in kWh per km, where the carro measures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxa_descarga: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TelemetryFields {
    placa: Loose<String>,
    nivel_bateria: Loose<f64>,
    em_carregamento: Loose<bool>,
    taxa_descarga: Loose<f64>,
}

impl TelemetryFields {
    /// The placa must be the one in the topic: a carro speaks for itself only.
    fn placa(&mut self, checker: &mut Checker, topic_placa: &str) -> Option<String> {
        let placa = checker.placa("placa", std::mem::take(&mut self.placa))?;
        if crate::normalize_placa(topic_placa).as_deref() != Some(&placa) {
            checker.wrong("placa", format!("deve ser a mesma do tópico ({topic_placa})"));
            return None;
        }
        Some(placa)
    }
}

impl CarroStatus {
    /// Reads a payload that came on the topic of `topic_placa`.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(payload: &[u8], topic_placa: &str) -> Result<Self, BadMessage> {
        let mut fields: TelemetryFields = read_object(payload)?;
        let mut checker = Checker::new();
        let placa = fields.placa(&mut checker, topic_placa);
        let nivel_bateria =
            checker.level("nivel_bateria", fields.nivel_bateria, MAX_CAPACIDADE_BATERIA);
        let em_carregamento = checker.required("em_carregamento", fields.em_carregamento);
        let message = placa.zip(nivel_bateria).zip(em_carregamento).map(
            |((placa, nivel_bateria), em_carregamento)| Self {
                placa,
                nivel_bateria,
                em_carregamento,
            },
        );
        checker.finish(message)
    }
}

impl CarroBateria {
    /// Reads a payload that came on the topic of `topic_placa`.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(payload: &[u8], topic_placa: &str) -> Result<Self, BadMessage> {
        let mut fields: TelemetryFields = read_object(payload)?;
        let mut checker = Checker::new();
        let placa = fields.placa(&mut checker, topic_placa);
        let nivel_bateria =
            checker.level("nivel_bateria", fields.nivel_bateria, MAX_CAPACIDADE_BATERIA);
        let taxa_descarga = match fields.taxa_descarga {
            Loose::Missing => None,
            given => checker.positive("taxa_descarga", given, MAX_TAXA_DESCARGA),
        };
        let message = placa.zip(nivel_bateria).map(|(placa, nivel_bateria)| Self {
            placa,
            nivel_bateria,
            taxa_descarga,
        });
        checker.finish(message)
    }
}
