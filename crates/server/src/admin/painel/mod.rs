//! The page of this servidor's operator. It has the public list of postos; the rest its script asks
//! for, as any program does (docs/decisions/0090).

mod texts;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::Codigo;
use service::{
    Asset, Assets, HttpError, Language, PageCache, PageHeaders, PageRoutes, assets, json_in_page,
    without_slash,
};
use tracing::error;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use texts::{PageTexts, Texts};

use crate::app_state::AppState;
use crate::store::{Action, PostoRow, StatesRow};

const FILES: &[Asset] = assets![
    "agora.js",
    "arquivos.js",
    "attention.js",
    "attention_list.js",
    "attention_texts.js",
    "auditoria.js",
    "dialogs.js",
    "differences.js",
    "download.js",
    "effect_dialog.js",
    "effect_question.js",
    "effects.js",
    "facts.js",
    "forms.js",
    "hoje.js",
    "in_place.js",
    "interval.js",
    "lists.js",
    "maintenance.js",
    "notified.js",
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
    "unchanged.js",
    "words.js",
];
/// Postos that are written into the page. Anyone may ask for it, so it is bounded; its script shows all.
const MAX_SHOWN: usize = 200;

/// What the page is made with.
struct Pages {
    headers: PageHeaders,
    /// Where its files are.
    files: String,
    /// All that its module imports.
    modules: Vec<&'static str>,
    portuguese: serde_json::Result<Texts>,
    english: serde_json::Result<Texts>,
}

/// The page as the document describes it.
pub(super) fn documented() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(get))
}

/// The page and its files, which need no token.
pub(super) fn routes(app: &Arc<AppState>) -> PageRoutes {
    let assets = Assets::new(FILES);
    let pages = Pages {
        headers: PageHeaders::new(None),
        files: assets.path(),
        modules: assets.imports_of("painel.js"),
        portuguese: Texts::portuguese(),
        english: Texts::english(),
    };
    let page = Router::from(documented()).layer(Extension(Arc::new(pages)));
    let page = page.route("/painel/", without_slash());
    PageRoutes {
        public: page.with_state(Arc::clone(app)).merge(assets.router()),
        protected: Router::new(),
        error_page: None,
    }
}

#[derive(Template)]
#[template(path = "painel.html")]
struct Painel<'a> {
    language: &'static str,
    servidor: &'a str,
    files: &'a str,
    modules: &'a [&'static str],
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
    let page = Painel {
        language: language.tag(),
        servidor,
        files: &pages.files,
        modules: &pages.modules,
        script: json_in_page(script.get()),
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

fn shown<'a>(posto: &'a PostoRow, texts: &'a PageTexts, language: Language) -> ShownPosto<'a> {
    let (state, shown_state) = state_of(posto, texts);
    let (power, price) =
        (language.power(posto.potencia_maxima), language.price_per_kwh(posto.preco_kwh));
    let facts = format!("{} · {power} · {price}", posto.tipo_conector);
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
