//! The words of the page.

use serde::Deserialize;
use serde_json::value::RawValue;

const PORTUGUESE: &str = include_str!("../../../pages/pt.json");
const ENGLISH: &str = include_str!("../../../pages/en.json");

/// The words of the page in one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) page: PageTexts,
    /// What its modules say.
    pub(super) script: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageTexts {
    pub(super) skip: String,
    pub(super) painel: String,
    pub(super) views: String,
    pub(super) agora: String,
    pub(super) hoje: String,
    pub(super) numeros: String,
    pub(super) auditoria: String,
    pub(super) arquivos: String,
    pub(super) tokens: String,
    pub(super) noscript: String,
    pub(super) attention: String,
    pub(super) postos: String,
    pub(super) count_one: String,
    /// With `{count}`.
    pub(super) count: String,
    /// With `{shown}` and `{count}`.
    pub(super) count_cut: String,
    pub(super) states: String,
    pub(super) search: String,
    pub(super) free: String,
    pub(super) taken: String,
    pub(super) maintenance: String,
    pub(super) out: String,
    pub(super) hoje_cut: String,
    pub(super) hoje_search: String,
    pub(super) reservas: String,
    pub(super) sessions: String,
    pub(super) period: String,
    pub(super) posto: String,
    pub(super) placa: String,
    pub(super) state: String,
    pub(super) actions: String,
    pub(super) energy: String,
    pub(super) period_24h: String,
    pub(super) period_7d: String,
    pub(super) period_30d: String,
    pub(super) period_12m: String,
    pub(super) audit_quem: String,
    pub(super) audit_acao: String,
    pub(super) audit_any: String,
    pub(super) audit_alvo: String,
    pub(super) audit_de: String,
    pub(super) audit_ate: String,
    pub(super) audit_show: String,
    pub(super) export: String,
    pub(super) dialect: String,
    pub(super) dialect_excel: String,
    pub(super) dialect_padrao: String,
    pub(super) import: String,
    pub(super) import_says: String,
    pub(super) import_file: String,
    pub(super) token: String,
    pub(super) token_new: String,
    pub(super) token_name: String,
    pub(super) token_name_hint: String,
    pub(super) token_papel: String,
    pub(super) token_leitura: String,
    pub(super) token_operador: String,
    pub(super) token_make: String,
    pub(super) sign_in: String,
    pub(super) sign_out: String,
    pub(super) sign_in_heading: String,
    pub(super) sign_in_says: String,
    pub(super) sign_in_remember: String,
    pub(super) sign_in_without: String,
}

impl Texts {
    pub(super) fn portuguese() -> serde_json::Result<Self> {
        serde_json::from_str(PORTUGUESE)
    }

    pub(super) fn english() -> serde_json::Result<Self> {
        serde_json::from_str(ENGLISH)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The paths of all texts.
    fn keys(json: &str) -> Vec<String> {
        let texts: Value = serde_json::from_str(json).expect("JSON");
        let parts = texts.as_object().expect("an object").iter();
        let mut keys: Vec<_> = parts
            .flat_map(|(part, texts)| {
                let texts = texts.as_object().expect("texts").iter();
                texts.map(move |(key, text)| {
                    assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{key}");
                    format!("{part} {key}")
                })
            })
            .collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        assert_eq!(keys(PORTUGUESE), keys(ENGLISH));
    }
}
