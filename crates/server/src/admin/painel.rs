//! The page of this servidor's operator. It has the public list of postos; the rest its script asks
//! for, as any program does (docs/decisions/0090).

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::Codigo;
use serde::Deserialize;
use serde_json::value::RawValue;
use service::{Asset, Assets, HttpError, Language, PageCache, PageHeaders, assets};
use tracing::error;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app_state::AppState;
use crate::store::{Action, PostoRow, StatesRow};

const FILES: &[Asset] = assets![
    "agora.js",
    "arquivos.js",
    "attention.js",
    "attention_texts.js",
    "auditoria.js",
    "dialogs.js",
    "differences.js",
    "download.js",
    "effects.js",
    "facts.js",
    "forms.js",
    "hoje.js",
    "informed.js",
    "interval.js",
    "lists.js",
    "look_first.js",
    "maintenance.js",
    "numeros.js",
    "painel.css",
    "painel.js",
    "periods.js",
    "plot.js",
    "poll.js",
    "posto.js",
    "postos_now.js",
    "scales.js",
    "session.js",
    "sessions.js",
    "tables.js",
    "today.js",
    "tokens.js",
    "words.js",
];
/// Modules that both programs have, and the page loads.
const SHARED_MODULES: [&str; 4] = ["api.js", "dom.js", "format.js", "texts.js"];

/// Postos that are written into the page. Anyone may ask for it, so it is bounded; its script shows all.
const MAX_SHOWN: usize = 200;

const PORTUGUESE: &str = include_str!("../../pages/pt.json");
const ENGLISH: &str = include_str!("../../pages/en.json");

/// What the page is made with.
struct Pages {
    headers: PageHeaders,
    /// Where its files are.
    files: String,
    portuguese: serde_json::Result<Texts>,
    english: serde_json::Result<Texts>,
}

/// The page and its files, which need no token.
pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    let assets = Assets::new(FILES);
    let pages = Pages {
        headers: PageHeaders::new(None),
        files: assets.path(),
        portuguese: serde_json::from_str(PORTUGUESE),
        english: serde_json::from_str(ENGLISH),
    };
    OpenApiRouter::new()
        .routes(routes!(get))
        .layer(Extension(Arc::new(pages)))
        .merge(OpenApiRouter::from(assets.router().with_state(())))
}

/// The words of the page in one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    page: PageTexts,
    /// What its modules say.
    script: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageTexts {
    skip: String,
    painel: String,
    views: String,
    agora: String,
    hoje: String,
    numeros: String,
    auditoria: String,
    arquivos: String,
    tokens: String,
    noscript: String,
    attention: String,
    postos: String,
    count_one: String,
    /// With `{count}`.
    count: String,
    /// With `{shown}` and `{count}`.
    count_cut: String,
    states: String,
    search: String,
    free: String,
    taken: String,
    maintenance: String,
    out: String,
    hoje_cut: String,
    reservas: String,
    sessions: String,
    period: String,
    posto: String,
    placa: String,
    state: String,
    actions: String,
    energy: String,
    period_24h: String,
    period_7d: String,
    period_30d: String,
    period_12m: String,
    audit_quem: String,
    audit_acao: String,
    audit_any: String,
    audit_alvo: String,
    audit_de: String,
    audit_ate: String,
    audit_show: String,
    export: String,
    dialect: String,
    dialect_excel: String,
    dialect_padrao: String,
    import: String,
    import_says: String,
    import_file: String,
    token: String,
    token_new: String,
    token_name: String,
    token_name_hint: String,
    token_papel: String,
    token_leitura: String,
    token_operador: String,
    token_make: String,
    sign_in: String,
    sign_out: String,
    sign_in_heading: String,
    sign_in_says: String,
    sign_in_remember: String,
    sign_in_without: String,
}

#[derive(Template)]
#[template(path = "painel.html")]
struct Painel<'a> {
    language: &'static str,
    servidor: &'a str,
    files: &'a str,
    modules: Vec<&'static str>,
    texts: &'a PageTexts,
    script: String,
    count: String,
    postos: Vec<ShownPosto<'a>>,
    actions: Vec<&'static str>,
}

/// A posto as the public list has it: who uses it is not said.
struct ShownPosto<'a> {
    id: i64,
    nome: &'a str,
    state: &'static str,
    shown_state: &'a str,
    facts: String,
}

/// Mostra a página do operador.
///
/// Ela usa esta API e nada mais: o que precisa de um token, ela o pede. A lista dos postos já vem nela.
#[utoipa::path(get, path = "/painel", operation_id = "get_painel", tag = "status", responses(
    (status = 200, body = String, content_type = "text/html", description = "A página, em português \
        ou, se `Accept-Language` o prefere, em inglês", example = json!("<!doctype html>…")),
))]
async fn get(
    State(app): State<Arc<AppState>>,
    Extension(pages): Extension<Arc<Pages>>,
    language: Language,
) -> Result<Response, HttpError> {
    let listing = app.read(app.store.listing()).await?;
    let html = render(&pages, app.server_id.as_str(), &listing.postos, language);
    let html = html.map_err(|error| {
        error!(%error, "the page cannot be written");
        HttpError::new(Codigo::ErroInterno, "Erro interno.")
    })?;
    Ok(pages.headers.answer(StatusCode::OK, html, language, PageCache::Revalidated))
}

fn render(
    pages: &Pages,
    servidor: &str,
    postos: &[PostoRow],
    language: Language,
) -> Result<String, askama::Error> {
    let texts = match language {
        Language::Portuguese => &pages.portuguese,
        Language::English => &pages.english,
    };
    let wrong = |error: &serde_json::Error| askama::Error::custom(error.to_string());
    let Texts { page: texts, script } = texts.as_ref().map_err(wrong)?;
    let own_modules = FILES.iter().map(|file| file.name).filter(|name| name.ends_with(".js"));
    let page = Painel {
        language: language.tag(),
        servidor,
        files: &pages.files,
        modules: SHARED_MODULES.into_iter().chain(own_modules).collect(),
        script: inside_script(script.get()),
        count: count(texts, postos.len()),
        postos: postos.iter().take(MAX_SHOWN).map(|posto| shown(posto, texts, language)).collect(),
        actions: Action::ALL.iter().map(|action| action.as_str()).collect(),
        texts,
    };
    page.render()
}

/// How many postos there are.
fn count(texts: &PageTexts, postos: usize) -> String {
    let sentence = match postos {
        1 => &texts.count_one,
        _ if postos > MAX_SHOWN => &texts.count_cut,
        _ => &texts.count,
    };
    sentence.replace("{shown}", &MAX_SHOWN.to_string()).replace("{count}", &postos.to_string())
}

/// JSON that ends no `script` that it is written into.
fn inside_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn shown<'a>(posto: &'a PostoRow, texts: &'a PageTexts, language: Language) -> ShownPosto<'a> {
    let (state, shown_state) = state_of(posto, texts);
    let power = number(posto.potencia_maxima, 0, 1, language);
    let price = number(posto.preco_kwh, 2, 4, language);
    let currency = match language {
        // With a space that does not break, as the page's script writes it.
        Language::Portuguese => "R$\u{a0}",
        Language::English => "R$",
    };
    let facts = format!("{} · {power} kW · {currency}{price}/kWh", posto.tipo_conector);
    ShownPosto { id: posto.id, nome: &posto.nome, state, shown_state, facts }
}

fn state_of<'a>(posto: &PostoRow, texts: &'a PageTexts) -> (&'static str, &'a str) {
    let StatesRow { operador_disponivel, carregador_disponivel, .. } = posto.states;
    if posto.em_manutencao {
        ("maintenance", &texts.maintenance)
    } else if !operador_disponivel || carregador_disponivel == Some(false) {
        ("out", &texts.out)
    } else if posto.disponivel {
        ("free", &texts.free)
    } else {
        ("taken", &texts.taken)
    }
}

/// A number with so many decimals, as people write it who read this language.
fn number(value: f64, least: usize, most: usize, language: Language) -> String {
    let mut text = format!("{value:.most$}");
    if let Some(point) = text.find('.') {
        while text.ends_with('0') && text.len() > point + 1 + least {
            text.pop();
        }
        if text.ends_with('.') {
            text.pop();
        }
    }
    match language {
        Language::Portuguese => text.replace('.', ","),
        Language::English => text,
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

    #[test]
    fn numbers_are_written_as_people_write_them() {
        for (value, least, most, portuguese, english) in [
            (22.0, 0, 1, "22", "22"),
            (7.4, 0, 1, "7,4", "7.4"),
            (100.0, 0, 1, "100", "100"),
            (2.5, 2, 4, "2,50", "2.50"),
            (2.0, 2, 4, "2,00", "2.00"),
            (0.1234, 2, 4, "0,1234", "0.1234"),
        ] {
            assert_eq!(number(value, least, most, Language::Portuguese), portuguese);
            assert_eq!(number(value, least, most, Language::English), english);
        }
    }

    #[test]
    fn texts_do_not_end_the_script_that_they_are_in() {
        assert_eq!(inside_script(r#"{"a":"</script>"}"#), r#"{"a":"\u003c/script>"}"#);
    }
}
