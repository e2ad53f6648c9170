//! The table `postos`. A new column takes a migration (listed in `schema.rs`) and its lines
//! here, nothing else in the store.

use domain::{Kw, Localizacao, Nome, Posto, PostoChange, PostoFacts, Price, Service, TipoConector};
use rusqlite::types::Value;

use super::{placa, row};
use crate::store::audit::{AuditFields, audit_fields};
use crate::store::error::StoreError;

row! {
    /// A posto as listings show it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct PostoRow {
        pub id: i64,
        pub nome: String,
        /// `latitude,longitude`.
        pub localizacao: String,
        /// In kW.
        pub potencia_maxima: f64,
        pub tipo_conector: String,
        /// In BRL.
        pub preco_kwh: f64,
        /// Whether it can be used at the moment of the query, which computes it.
        pub disponivel: bool,
        pub em_manutencao: bool,
        ..pub states: StatesRow,
    }
}

impl PostoRow {
    /// Selects, at a moment, by a JSON array of ids; absences count that were due at another.
    // Reservas of one posto never overlap, so only the next one to end can hold it now; later ones
    // are not read, however many there are. One whose carro is absent has no begin.
    pub(in crate::store) const SELECT: &str = "SELECT *,
                in_service AND NOT em_manutencao
                AND ?1 < COALESCE((SELECT CASE WHEN r.falta_em <= ?3 THEN NULL ELSE r.held_from END
                                   FROM reservas AS r
                                   WHERE r.posto_id = p.id AND r.held_until > ?1
                                   ORDER BY r.held_until LIMIT 1), ?1 + 1)
                AND NOT EXISTS (SELECT 1 FROM carregamentos AS c
                                WHERE c.posto_id = p.id AND c.fim IS NULL)
                AS disponivel
         FROM postos AS p
         WHERE removed_at IS NULL AND id IN (SELECT value FROM json_each(?2))
         ORDER BY id";
}

row! {
    /// What decisions rest on.
    pub(in crate::store) struct PostoFactsRow {
        pub nome: String,
        pub in_service: bool,
        pub em_manutencao: bool,
        pub potencia_maxima: f64,
        pub preco_kwh: f64,
        pub charging: Option<String>,
    }
}

row! {
    /// The same of one that may have been removed.
    pub(in crate::store) struct AnyPostoRow {
        pub removed_at: Option<i64>,
        ..pub facts: PostoFactsRow,
    }
}

macro_rules! select_any_posto {
    () => {
        "SELECT p.nome, p.in_service, p.em_manutencao, p.potencia_maxima, p.preco_kwh, p.removed_at,
                c.placa AS charging
         FROM postos AS p LEFT JOIN carregamentos AS c ON c.posto_id = p.id AND c.fim IS NULL
         WHERE p.id = ?1"
    };
}

impl AnyPostoRow {
    /// Selects by id.
    pub(in crate::store) const SELECT: &str = select_any_posto!();
}

impl PostoFactsRow {
    /// Selects by id.
    pub(in crate::store) const SELECT: &str =
        concat!(select_any_posto!(), " AND p.removed_at IS NULL");

    pub(in crate::store) fn facts(self) -> Result<PostoFacts, StoreError> {
        let Self { nome, in_service, em_manutencao, potencia_maxima, preco_kwh, charging } = self;
        let charging = charging.as_deref().map(placa).transpose()?;
        let corrupt = |_| StoreError::Corrupt("price of a posto".to_owned());
        let preco_kwh = Price::new(preco_kwh).map_err(corrupt)?;
        let service = Service::of(in_service, em_manutencao);
        Ok(PostoFacts { nome, service, charging, potencia_maxima, preco_kwh })
    }
}

row! {
    /// What its operator and its charger have reported about a posto; neither includes the other.
    #[derive(Debug, Clone, PartialEq, Default)]
    pub struct StatesRow {
        pub operador_disponivel: bool,
        pub operador_em_manutencao: bool,
        /// This and the next two are `None` as long as the charger has reported nothing.
        pub carregador_disponivel: Option<bool>,
        pub carregador_em_manutencao: Option<bool>,
        /// Since when, in milliseconds.
        pub carregador_desde: Option<i64>,
    }
}

row! {
    /// A posto as its operator keeps it, also one that is removed.
    #[derive(Debug, Clone, PartialEq)]
    pub struct OperatorPosto {
        pub id: i64,
        pub nome: String,
        pub localizacao: String,
        pub potencia_maxima: f64,
        pub tipo_conector: String,
        pub preco_kwh: f64,
        pub operador_disponivel: bool,
        pub operador_em_manutencao: bool,
        removed_at: Option<i64>,
    }
}

impl OperatorPosto {
    pub fn is_removed(&self) -> bool {
        self.removed_at.is_some()
    }

    /// What the audit records of it.
    pub(in crate::store) fn audit_fields(&self) -> AuditFields {
        audit_fields! {
            "nome": self.nome.as_str(),
            "localizacao": self.localizacao.as_str(),
            "potencia_maxima": self.potencia_maxima,
            "tipo_conector": self.tipo_conector.as_str(),
            "preco_kwh": self.preco_kwh,
            "disponivel": self.operador_disponivel,
            "em_manutencao": self.operador_em_manutencao,
        }
    }

    /// Whether a change would change nothing.
    pub fn has(&self, change: &PostoChange) -> bool {
        // Taken apart, so that a field that is forgotten below does not compile.
        let PostoChange {
            nome,
            localizacao,
            potencia_maxima,
            tipo_conector,
            preco_kwh,
            in_service,
            em_manutencao,
        } = change;
        nome.as_ref().is_none_or(|nome| nome.as_str() == self.nome)
            && localizacao.as_ref().is_none_or(|place| place.as_str() == self.localizacao)
            && potencia_maxima.is_none_or(|power| power.get() == self.potencia_maxima)
            && tipo_conector.as_ref().is_none_or(|kind| kind.as_str() == self.tipo_conector)
            && preco_kwh.is_none_or(|price| price.get() == self.preco_kwh)
            && in_service.is_none_or(|in_service| in_service == self.operador_disponivel)
            && em_manutencao.is_none_or(|maintenance| maintenance == self.operador_em_manutencao)
    }
}

/// The columns that are set with a posto, each with its new value, or NULL for no change.
pub(in crate::store) fn changes(change: &PostoChange) -> [(&'static str, Value); 7] {
    // Taken apart, so that a field that is forgotten below does not compile.
    let PostoChange {
        nome,
        localizacao,
        potencia_maxima,
        tipo_conector,
        preco_kwh,
        in_service,
        em_manutencao,
    } = change;
    [
        ("nome", text(nome.as_ref().map(Nome::as_str))),
        ("localizacao", text(localizacao.as_ref().map(Localizacao::as_str))),
        ("potencia_maxima", potencia_maxima.map(Kw::get).into()),
        ("tipo_conector", text(tipo_conector.as_ref().map(TipoConector::as_str))),
        ("preco_kwh", preco_kwh.map(Price::get).into()),
        ("operador_disponivel", (*in_service).into()),
        ("operador_em_manutencao", (*em_manutencao).into()),
    ]
}

/// A new posto, as a change of every column.
pub(in crate::store) fn all_columns(posto: &Posto) -> PostoChange {
    let posto = posto.clone();
    PostoChange {
        nome: Some(posto.nome),
        localizacao: Some(posto.localizacao),
        potencia_maxima: Some(posto.potencia_maxima),
        tipo_conector: Some(posto.tipo_conector),
        preco_kwh: Some(posto.preco_kwh),
        in_service: Some(posto.in_service),
        em_manutencao: Some(posto.em_manutencao),
    }
}

fn text(value: Option<&str>) -> Value {
    value.map(str::to_owned).into()
}
