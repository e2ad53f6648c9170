//! Listing postos.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::{BadMessage, Checker, ClientId, Loose, RequestId, ServerId, read_object};

/// The longest connector type, in characters.
const MAX_TIPO_CONECTOR: usize = 40;

/// A charging point as a listing shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370", "potencia_maxima": 22.0,
    "tipo_conector": "CCS", "preco_kwh": 2.5, "disponivel": true, "em_manutencao": false
}))]
pub struct Posto {
    /// Number of the posto on its servidor.
    pub id: i64,
    /// Name shown to drivers.
    pub nome: String,
    /// `latitude,longitude` in decimal degrees (WGS 84).
    pub localizacao: String,
    /// Most power it delivers, in kW.
    pub potencia_maxima: f64,
    /// Connector, for example `CCS` or `Type 2`.
    pub tipo_conector: String,
    /// Price of one kWh, in BRL.
    pub preco_kwh: f64,
    /// Whether it can be used at this moment: in service, not in maintenance, held by nobody.
    pub disponivel: bool,
    /// Whether it is in maintenance.
    pub em_manutencao: bool,
}

/// Which postos a listing should show; what is left out does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PostosFilter {
    /// Only those that can (or cannot) be used at this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub disponivel: Option<bool>,
    /// Only those that are (or are not) in maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub em_manutencao: Option<bool>,
    /// Only those with this connector; upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(
        nullable = false,
        min_length = 1,
        max_length = 40,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*$"
    )]
    pub tipo_conector: Option<String>,
}

impl PostosFilter {
    /// Checks a connector given as a filter.
    pub fn check_tipo_conector(checker: &mut Checker, text: &str) -> Option<String> {
        checker.bounded_text("tipo_conector", text, MAX_TIPO_CONECTOR)
    }
}

/// `server/postos/request`: asks one servidor for its postos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostosRequest {
    /// Correlates the reply.
    pub request_id: RequestId,
    /// Who asks, and so where the reply goes.
    pub client_id: ClientId,
    /// Who should answer.
    pub server_id: ServerId,
    /// Which postos are wanted.
    #[serde(flatten)]
    pub filter: PostosFilter,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PostosRequestFields {
    request_id: Loose<RequestId>,
    client_id: Loose<ClientId>,
    server_id: Loose<ServerId>,
    disponivel: Loose<bool>,
    em_manutencao: Loose<bool>,
    tipo_conector: Loose<String>,
}

impl PostosRequest {
    /// Reads a payload.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(payload: &[u8]) -> Result<Self, BadMessage> {
        let fields: PostosRequestFields = read_object(payload)?;
        let mut checker = Checker::new();
        let request_id = checker.required("request_id", fields.request_id);
        let client_id = checker.required("client_id", fields.client_id);
        let server_id = checker.required("server_id", fields.server_id);
        let filter = PostosFilter {
            disponivel: checker.optional("disponivel", fields.disponivel),
            em_manutencao: checker.optional("em_manutencao", fields.em_manutencao),
            tipo_conector: checker
                .optional("tipo_conector", fields.tipo_conector)
                .and_then(|text| PostosFilter::check_tipo_conector(&mut checker, &text)),
        };
        let message =
            request_id.zip(client_id).zip(server_id).map(|((request_id, client_id), server_id)| {
                Self { request_id, client_id, server_id, filter }
            });
        checker.finish(message)
    }
}

/// `client/{client_id}/postos/response`: the postos asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PostosReply {
    /// The request this answers.
    pub request_id: RequestId,
    /// The postos, by id.
    pub postos: Vec<Posto>,
}

/// A [`PostosReply`] whose postos are written already: many get the same ones.
#[derive(Debug, Serialize)]
pub struct WrittenPostosReply<'a> {
    /// The request this answers.
    pub request_id: &'a RequestId,
    /// The postos, by id, as a JSON array.
    pub postos: &'a RawValue,
}

impl WrittenPostosReply<'_> {
    /// The payload.
    ///
    /// # Errors
    /// None of its parts gives one.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut payload = Vec::with_capacity(self.postos.get().len() + 256);
        serde_json::to_writer(&mut payload, self)?;
        Ok(payload)
    }
}
