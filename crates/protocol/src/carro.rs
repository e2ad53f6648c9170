//! Carros: as a reservation describes them, and what they report of themselves.

use domain::{CapacidadeBateria, Carro, KwhPerKm, Modelo, NivelBateria, Placa};
use utoipa::openapi::schema::Type;

use crate::fields::read_json_with;
use crate::values::of_type;
use crate::{BadMessage, Field, field_values, fields};

field_values!(@ Placa, |scalar| Self::parse(scalar.text("um texto")?)?,
    |value| Text(value.as_str().into()), of_type(Type::String)
        .min_length(Some(Self::MIN))
        .max_length(Some(Self::MAX_WRITTEN))
        .pattern(Some(Self::PATTERN)));
field_values!(text Modelo, number CapacidadeBateria, number NivelBateria, number KwhPerKm);

fields! {
    impl Carro {
        /// Placa que está no carro; espaços, hífens e travessões de qualquer tipo e minúsculas são aceitos. Sobram de 5 a 8 de `A-Z 0-9`. A forma antiga e a Mercosul são duas placas.
        placa: Placa,
        /// Marca e modelo.
        modelo: Modelo,
        /// Capacidade da bateria, em kWh.
        capacidade_bateria: CapacidadeBateria,
        /// Energia na bateria agora, em kWh; no máximo `capacidade_bateria`.
        nivel_bateria_atual: NivelBateria,
        /// Consumo, em kWh por km.
        taxa_descarga: KwhPerKm,
    }
    rules |raw| {
        if let (Some(Field::Value(capacity)), Some(level)) =
            (&raw.capacidade_bateria, &mut raw.nivel_bateria_atual)
        {
            match level {
                Field::Value(value) => *level = capacity.check_level(*value).into(),
                Field::Invalid(reason) if reason == NivelBateria::SENTENCE => {
                    *reason = capacity.level_error().to_string();
                }
                Field::Invalid(_) | Field::Missing => {}
            }
        }
    }
}

fields! {
    /// Um carro diz se está carregando.
    #[example({"placa": "ABC1234", "nivel_bateria": 30.5, "em_carregamento": true})]
    pub struct CarroStatus {
        /// O carro, como no tópico.
        placa: Placa,
        /// Energia na bateria, em kWh.
        nivel_bateria: NivelBateria,
        /// Se está carregando.
        em_carregamento: bool,
    }
}

fields! {
    /// Um carro diz quanta energia tem.
    #[example({"placa": "ABC1234", "nivel_bateria": 30.5, "taxa_descarga": 0.2})]
    pub struct CarroBateria {
        /// O carro, como no tópico.
        placa: Placa,
        /// Energia na bateria, em kWh.
        nivel_bateria: NivelBateria,
        /// Consumo em kWh por km, se o carro o mede.
        taxa_descarga: Option<KwhPerKm>,
    }
}

/// The placa must be the one in the topic: a carro reports only of itself.
fn check_topic(placa: &mut Option<Field<Placa>>, topic_placa: &str) {
    if let Some(Field::Value(given)) = placa
        && Placa::parse(topic_placa).as_ref() != Ok(given)
    {
        let reason = "deve ser a mesma do tópico".to_owned();
        *placa = Some(Field::Invalid(reason));
    }
}

impl CarroStatus {
    /// Reads a payload that came on the topic of `topic_placa`.
    pub fn from_json(payload: &[u8], topic_placa: &str) -> Result<Self, BadMessage> {
        read_json_with::<Self>(payload, |raw| check_topic(&mut raw.placa, topic_placa))
    }
}

impl CarroBateria {
    /// Reads a payload that came on the topic of `topic_placa`.
    pub fn from_json(payload: &[u8], topic_placa: &str) -> Result<Self, BadMessage> {
        read_json_with::<Self>(payload, |raw| check_topic(&mut raw.placa, topic_placa))
    }
}
