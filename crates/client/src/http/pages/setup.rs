//! What all pages are made with, put together once.

use std::sync::Arc;

use service::{Assets, Language, PageHeaders};

use super::files::FILES;
use super::posto_list::PostoLists;
use super::texts::Texts;
use crate::gateway::Gateway;
use crate::map_tiles::MapTiles;

/// The texts of the pages that are built in cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the texts of the pages cannot be read: {0}")]
pub struct PagesError(#[from] serde_json::Error);

/// The module of a page, and all that it imports.
pub(super) struct Module {
    pub(super) name: &'static str,
    pub(super) imports: Vec<&'static str>,
}

pub(crate) struct Pages {
    pub(super) gateway: Arc<Gateway>,
    pub(super) lists: PostoLists,
    pub(super) assets: Assets,
    pub(super) headers: PageHeaders,
    /// Whether reservas are only for callers with a token.
    pub(super) has_tokens: bool,
    pub(super) tiles: Option<MapTiles>,
    pub(super) list_module: Module,
    pub(super) posto_module: Module,
    pub(super) reserva_module: Module,
    pub(super) offline_module: Module,
    pub(super) error_module: Module,
    portuguese: Texts,
    english: Texts,
}

impl Pages {
    /// # Errors
    /// The texts are no texts of these pages. Tests show that they are.
    pub(crate) fn new(gateway: Arc<Gateway>) -> Result<Self, PagesError> {
        let tiles = gateway.config.map_tiles.clone();
        let assets = Assets::new(FILES);
        let module = |name| Module { name, imports: assets.imports_of(name) };
        Ok(Self {
            lists: PostoLists::default(),
            list_module: module("list.js"),
            posto_module: module("posto.js"),
            reserva_module: module("reserva.js"),
            offline_module: module("offline.js"),
            error_module: module("error.js"),
            assets,
            headers: PageHeaders::new(tiles.as_ref().map(MapTiles::origin)),
            has_tokens: gateway.tokens.is_some(),
            tiles,
            portuguese: Texts::read(include_str!("../../../pages/pt.json"))?,
            english: Texts::read(include_str!("../../../pages/en.json"))?,
            gateway,
        })
    }

    pub(super) fn texts(&self, language: Language) -> &Texts {
        match language {
            Language::Portuguese => &self.portuguese,
            Language::English => &self.english,
        }
    }
}
