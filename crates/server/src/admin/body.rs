//! Bodies of the admin API, read so that every wrong field is named at once.

use std::collections::BTreeMap;

use domain::{Kw, Kwh, Localizacao, Placa, Posto, PostoChange, Price};
use protocol::{BadMessage, Checker, Loose, read_object};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const POSTO_FIELDS: [&str; 7] = [
    "nome",
    "localizacao",
    "potencia_maxima",
    "tipo_conector",
    "preco_kwh",
    "disponivel",
    "em_manutencao",
];
const MAX_NOME: usize = 120;
const MAX_TIPO_CONECTOR: usize = 40;
const MAX_POTENCIA: f64 = 5000.0;
const MAX_PRECO: f64 = 1000.0;
const MAX_ENERGIA: f64 = 10_000.0;

/// Body of `POST /postos`; `PATCH /postos/{id}` takes any part of it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "nome": "Ponto 121", "localizacao": "-23.5614,-46.6559", "potencia_maxima": 50.0,
    "tipo_conector": "CCS", "preco_kwh": 2.2
}))]
pub(super) struct PostoBody {
    /// Name shown to drivers.
    #[schema(
        min_length = 1,
        max_length = 120,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$"
    )]
    nome: String,
    /// `latitude,longitude` in decimal degrees.
    #[schema(
        pattern = r"^-?(90(\.0+)?|[0-8]?[0-9](\.[0-9]{1,12})?),-?(180(\.0+)?|(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,12})?)$"
    )]
    localizacao: String,
    /// Most power, in kW; by default 22.
    #[schema(exclusive_minimum = 0, maximum = 5000)]
    potencia_maxima: Option<f64>,
    /// Connector; by default CCS.
    #[schema(
        min_length = 1,
        max_length = 40,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$"
    )]
    tipo_conector: Option<String>,
    /// Price of a kWh, in BRL; by default 2.5.
    #[schema(minimum = 0, maximum = 1000)]
    preco_kwh: Option<f64>,
    /// Whether it is in service; by default true.
    disponivel: Option<bool>,
    /// Whether it is in maintenance; by default false.
    em_manutencao: Option<bool>,
}

/// Body of `PATCH /postos/{id}`: what is left out stays as it is.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"preco_kwh": 2.7}))]
pub(super) struct PostoPatch {
    /// Name shown to drivers.
    #[schema(
        min_length = 1,
        max_length = 120,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$"
    )]
    nome: Option<String>,
    /// `latitude,longitude` in decimal degrees.
    #[schema(
        pattern = r"^-?(90(\.0+)?|[0-8]?[0-9](\.[0-9]{1,12})?),-?(180(\.0+)?|(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,12})?)$"
    )]
    localizacao: Option<String>,
    /// Most power, in kW.
    #[schema(exclusive_minimum = 0, maximum = 5000)]
    potencia_maxima: Option<f64>,
    /// Connector.
    #[schema(
        min_length = 1,
        max_length = 40,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$"
    )]
    tipo_conector: Option<String>,
    /// Price of a kWh, in BRL, for sessions that start from now on.
    #[schema(minimum = 0, maximum = 1000)]
    preco_kwh: Option<f64>,
    /// Whether it is in service.
    disponivel: Option<bool>,
    /// Whether it is in maintenance.
    em_manutencao: Option<bool>,
}

/// Body of `PUT /postos/{id}/disponibilidade`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"disponivel": false, "em_manutencao": true}))]
pub(super) struct DisponibilidadeBody {
    /// Whether it is in service.
    disponivel: bool,
    /// Whether it is in maintenance; left out, that stays as it is.
    em_manutencao: Option<bool>,
}

/// Body of `POST /postos/{id}/carregamentos`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"placa": "ABC1234"}))]
pub(super) struct CarregamentoBody {
    /// The carro that starts charging.
    #[schema(min_length = 5, max_length = 64, pattern = r"^[ -]*([A-Za-z0-9][ -]*){5,8}$")]
    placa: String,
}

/// Body of `PUT /postos/{id}/carregamentos/{carregamento_id}`.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"energia_fornecida": 18.4}))]
pub(super) struct EnergiaBody {
    /// Energy delivered, in kWh.
    #[schema(minimum = 0, maximum = 10000)]
    energia_fornecida: f64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Fields {
    nome: Loose<String>,
    localizacao: Loose<String>,
    potencia_maxima: Loose<f64>,
    tipo_conector: Loose<String>,
    preco_kwh: Loose<f64>,
    disponivel: Loose<bool>,
    em_manutencao: Loose<bool>,
    placa: Loose<String>,
    energia_fornecida: Loose<f64>,
}

/// A field that may be left out, checked by `check` where it is there.
fn given<T, U>(
    checker: &mut Checker,
    field: Loose<T>,
    check: impl FnOnce(&mut Checker, Loose<T>) -> Option<U>,
) -> Option<U> {
    match field {
        Loose::Missing => None,
        there => check(checker, there),
    }
}

fn localizacao(checker: &mut Checker, field: Loose<String>) -> Option<Localizacao> {
    let text = checker.required("localizacao", field)?;
    match Localizacao::new(&text) {
        Ok(place) => Some(place),
        Err(error) => {
            checker.wrong("localizacao", error.to_string());
            None
        }
    }
}

impl Fields {
    fn change(self, checker: &mut Checker) -> PostoChange {
        PostoChange {
            nome: given(checker, self.nome, |c, f| c.text("nome", f, MAX_NOME)),
            localizacao: given(checker, self.localizacao, localizacao),
            potencia_maxima: given(checker, self.potencia_maxima, |c, f| {
                c.positive("potencia_maxima", f, MAX_POTENCIA)
            })
            .and_then(|power| Kw::new(power).ok()),
            tipo_conector: given(checker, self.tipo_conector, |c, f| {
                c.text("tipo_conector", f, MAX_TIPO_CONECTOR)
            }),
            preco_kwh: given(checker, self.preco_kwh, |c, f| c.level("preco_kwh", f, MAX_PRECO))
                .and_then(|price| Price::new(price).ok()),
            in_service: checker.optional("disponivel", self.disponivel),
            em_manutencao: checker.optional("em_manutencao", self.em_manutencao),
        }
    }
}

/// Reads the body of a new posto.
pub(super) fn new_posto(body: &[u8]) -> Result<Posto, BadMessage> {
    let fields: Fields = read_object(body)?;
    let mut checker = Checker::new();
    if matches!(fields.nome, Loose::Missing) {
        checker.wrong("nome", "é obrigatório");
    }
    if matches!(fields.localizacao, Loose::Missing) {
        checker.wrong("localizacao", "é obrigatório");
    }
    let change = fields.change(&mut checker);
    let power = change.potencia_maxima.or_else(|| Kw::new(22.0).ok());
    let price = change.preco_kwh.or_else(|| Price::new(2.5).ok());
    let posto = change.nome.zip(change.localizacao).zip(power).zip(price).map(
        |(((nome, localizacao), potencia_maxima), preco_kwh)| Posto {
            nome,
            localizacao,
            potencia_maxima,
            tipo_conector: change.tipo_conector.unwrap_or_else(|| "CCS".to_owned()),
            preco_kwh,
            in_service: change.in_service.unwrap_or(true),
            em_manutencao: change.em_manutencao.unwrap_or(false),
        },
    );
    checker.finish(posto)
}

/// Reads what to change of a posto. A field that no posto has is wrong: a typing mistake would
/// change nothing, and say nothing.
pub(super) fn posto_change(body: &[u8]) -> Result<PostoChange, BadMessage> {
    let fields: Fields = read_object(body)?;
    let mut checker = Checker::new();
    let given: BTreeMap<String, IgnoredAny> = read_object(body)?;
    for campo in given.keys().filter(|campo| !POSTO_FIELDS.contains(&campo.as_str())) {
        checker.wrong(campo, "não é um campo de posto");
    }
    let change = fields.change(&mut checker);
    checker.finish(Some(change))
}

/// Reads whether a posto is in service.
pub(super) fn disponibilidade(body: &[u8]) -> Result<PostoChange, BadMessage> {
    let fields: Fields = read_object(body)?;
    let mut checker = Checker::new();
    let in_service = checker.required("disponivel", fields.disponivel);
    let em_manutencao = checker.optional("em_manutencao", fields.em_manutencao);
    checker.finish(Some(PostoChange { in_service, em_manutencao, ..PostoChange::default() }))
}

/// Reads which carro starts charging.
pub(super) fn carregamento(body: &[u8]) -> Result<Placa, BadMessage> {
    let fields: Fields = read_object(body)?;
    let mut checker = Checker::new();
    let placa = checker.placa("placa", fields.placa).and_then(|text| Placa::new(&text).ok());
    checker.finish(placa)
}

/// Reads how much energy a session delivered.
pub(super) fn energia(body: &[u8]) -> Result<Kwh, BadMessage> {
    let fields: Fields = read_object(body)?;
    let mut checker = Checker::new();
    let energy = checker
        .level("energia_fornecida", fields.energia_fornecida, MAX_ENERGIA)
        .and_then(|energy| Kwh::new(energy).ok());
    checker.finish(energy)
}
