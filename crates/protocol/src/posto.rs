//! Postos: how they are listed, and how an operator describes them.

use domain::{Disposition, Kw, Localizacao, Nome, PostoChange, PostosFilter, Price, TipoConector};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::fields::{field_documents, read_raw};
use crate::values::of_type;
use crate::{
    BadMessage, Checker, ClientId, FieldDocument, Fields, OrDefault, Page, RequestId, ServerId,
    UnknownFields, Versao, field_values, fields,
};

field_values!(text Nome, text TipoConector, number Kw, number Price, words Disposition);
field_values!(@ Localizacao, |scalar| Self::new(scalar.text("um texto")?)?,
    |value| Text(value.as_str().into()), of_type(Type::String).pattern(Some(Self::PATTERN)));

/// Um posto de carregamento.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370", "potencia_maxima": 22.0,
    "tipo_conector": "CCS", "preco_kwh": 2.5, "disponivel": true, "em_manutencao": false
}))]
pub struct Posto {
    /// Número do posto no servidor.
    pub id: i64,
    /// Nome que os motoristas veem.
    pub nome: String,
    /// `latitude,longitude` em graus decimais (WGS 84).
    pub localizacao: String,
    /// Potência máxima, em kW.
    pub potencia_maxima: f64,
    /// Conector, por exemplo `CCS` ou `Type 2`.
    pub tipo_conector: String,
    /// Preço do kWh, em reais.
    pub preco_kwh: f64,
    /// Se pode ser usado neste momento: em serviço, fora de manutenção, sem reserva nem carro.
    pub disponivel: bool,
    /// Se está em manutenção.
    pub em_manutencao: bool,
}

fields! {
    /// Corpo de `POST /postos`.
    #[example({
        "nome": "Ponto 121", "localizacao": "-23.5614,-46.6559", "potencia_maxima": 50.0,
        "tipo_conector": "CCS", "preco_kwh": 2.2
    })]
    pub struct PostoBody {
        /// Nome que os motoristas veem.
        nome: Nome,
        /// `latitude,longitude` em graus decimais (WGS 84).
        localizacao: Localizacao,
        /// Potência máxima, em kW.
        potencia_maxima: OrDefault<Kw>,
        /// Conector.
        tipo_conector: OrDefault<TipoConector>,
        /// Preço do kWh, em reais: das reservas que forem feitas, e dos carregamentos sem reserva que forem
        /// registrados, a partir de agora.
        preco_kwh: OrDefault<Price>,
        /// Se está em serviço; num posto novo, se não vier, sim.
        disponivel: Option<bool>,
        /// Se está em manutenção; num posto novo, se não vier, não.
        em_manutencao: Option<bool>,
    }
}

impl From<PostoBody> for domain::Posto {
    fn from(body: PostoBody) -> Self {
        Self {
            nome: body.nome,
            localizacao: body.localizacao,
            potencia_maxima: body.potencia_maxima.0,
            tipo_conector: body.tipo_conector.0,
            preco_kwh: body.preco_kwh.0,
            in_service: body.disponivel.unwrap_or(true),
            em_manutencao: body.em_manutencao.unwrap_or(false),
        }
    }
}

/// The body of `PATCH /postos/{id}`: any of the fields of a [`PostoBody`].
#[derive(Debug)]
pub struct PostoPatch(pub PostoChange);

impl PostoPatch {
    /// Reads a body.
    ///
    /// # Errors
    /// Not a JSON object, or wrong fields: all of them are named.
    pub fn from_json(body: &[u8]) -> Result<Self, BadMessage> {
        let unchecked = read_raw::<PostoBody>(body)?;
        let check = |raw: <PostoBody as Fields>::Raw, checker: &mut Checker| {
            Some(Self(PostoChange {
                nome: Fields::check(raw.nome, "nome", checker)?,
                localizacao: Fields::check(raw.localizacao, "localizacao", checker)?,
                potencia_maxima: Fields::check(raw.potencia_maxima, "potencia_maxima", checker)?,
                tipo_conector: Fields::check(raw.tipo_conector, "tipo_conector", checker)?,
                preco_kwh: Fields::check(raw.preco_kwh, "preco_kwh", checker)?,
                in_service: Fields::check(raw.disponivel, "disponivel", checker)?,
                em_manutencao: Fields::check(raw.em_manutencao, "em_manutencao", checker)?,
            }))
        };
        Checker::run(UnknownFields::Refused, |checker| unchecked.check_with(checker, check))
    }
}

impl PartialSchema for PostoPatch {
    fn schema() -> RefOr<Schema> {
        let fields = field_documents::<PostoBody>().into_iter().map(FieldDocument::into_optional);
        FieldDocument::object(fields)
            .description(Some("Corpo de `PATCH /postos/{id}`: o que não vem fica como está."))
            .examples([serde_json::json!({"preco_kwh": 2.7})])
            .into()
    }
}

impl ToSchema for PostoPatch {}

fields! {
    impl PostosFilter {
        /// Somente os que podem (ou não) ser usados neste momento.
        disponivel: Option<bool>,
        /// Somente os que estão (ou não) em manutenção.
        em_manutencao: Option<bool>,
        /// Somente os que têm este conector; maiúsculas e minúsculas não importam.
        tipo_conector: Option<TipoConector>,
    }
}

fields! {
    /// Pergunta a um servidor por seus postos.
    #[example({
        "request_id": "0198c0de-7a1b-7000-8000-000000000002", "client_id": "cliente1",
        "server_id": "server1", "disponivel": true
    })]
    pub struct PostosRequest {
        /// Volta na resposta.
        request_id: RequestId,
        /// Em que tópico a resposta é esperada.
        client_id: ClientId,
        /// O servidor a quem se pergunta.
        server_id: ServerId,
        /// Se sim, o cliente também lê listas: respostas e eventos que esperam juntos podem vir em uma.
        listas: Option<bool>,
        /// Quais postos.
        filter: PostosFilter,
        /// Que página.
        page: Page,
        /// A versão da lista que o cliente já tem; se ela ainda vale, a resposta é `UnchangedReply`.
        versao: Option<Versao>,
    }
}

/// Os postos de um servidor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000002", "versao": "5f3a-7", "postos": [{
        "id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370", "potencia_maxima": 22.0,
        "tipo_conector": "CCS", "preco_kwh": 2.5, "disponivel": true, "em_manutencao": false
    }]
}))]
pub struct PostosReply {
    /// A requisição que isto responde.
    pub request_id: RequestId,
    /// Muda com a lista e nunca se repete: páginas da mesma versão formam uma só lista. Um servidor
    /// mais antigo não a manda.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub versao: Option<String>,
    /// O `apos` da próxima página; na última não vem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proxima: Option<i64>,
    /// Por número.
    pub postos: Vec<Posto>,
}
