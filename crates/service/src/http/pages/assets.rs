//! The files that pages load: style sheets, modules, pictures. They are built into the program.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use protocol::Codigo;
use twox_hash::XxHash3_128;

use crate::assets;
use crate::http::{HttpError, Path};

/// The files that the pages of both programs load.
const SHARED: &[Asset] =
    assets!["api.js", "base.css", "dom.js", "format.js", "stream.js", "texts.js"];

/// A year: the longest that is of use, for files that never change.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// A file that is built into the program.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    pub name: &'static str,
    pub content: &'static [u8],
}

/// The files with these names in the folder `pages` of the crate that has them.
#[macro_export]
macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$($crate::Asset {
            name: $name,
            content: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/pages/", $name)),
        }),*]
    };
}

/// All files that the pages of one program load. Clones share them.
#[derive(Debug, Clone)]
pub struct Assets(Arc<AssetFiles>);

#[derive(Debug)]
struct AssetFiles {
    hash: String,
    files: HashMap<&'static str, &'static [u8]>,
}

impl Assets {
    /// The files of one program, and those that both have. A module names another beside it, so one
    /// hash is for all of them: with a hash for each, a change would have to be written into every
    /// module that imports the changed one.
    pub fn new(own: &[Asset]) -> Self {
        let files: HashMap<_, _> =
            SHARED.iter().chain(own).map(|asset| (asset.name, asset.content)).collect();
        let mut names: Vec<_> = files.keys().copied().collect();
        names.sort_unstable();
        let mut hash = XxHash3_128::new();
        for name in names {
            let content = files[name];
            hash.write(name.as_bytes());
            hash.write(&[0]);
            hash.write(&content.len().to_le_bytes());
            hash.write(content);
        }
        Self(Arc::new(AssetFiles { hash: format!("{:032x}", hash.finish_128()), files }))
    }

    /// Where they are, relative to a page.
    pub fn path(&self) -> String {
        format!("static/{}", self.0.hash)
    }

    /// The modules that this one imports, and those that they import: a page that names all of them
    /// has them loaded at once, and not one after the other.
    pub fn imports_of(&self, module: &str) -> Vec<&'static str> {
        let known = |name: &str| self.0.files.get_key_value(name).map(|(name, _)| *name);
        let (mut found, mut unread) = (BTreeSet::new(), Vec::from_iter(known(module)));
        while let Some(name) = unread.pop() {
            let content = self.0.files.get(name).copied().unwrap_or_default();
            let text = str::from_utf8(content).unwrap_or_default();
            let named = text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
            unread.extend(named.filter_map(known).filter(|name| found.insert(*name)));
        }
        found.remove(module);
        found.into_iter().collect()
    }

    /// Their route, for the public ones.
    pub fn router(&self) -> Router {
        Router::new().route("/static/{hash}/{file}", get(answer)).with_state(self.clone())
    }

    /// The file as an answer. A page that was opened before an upgrade loads the rest of its files
    /// under the hash of before; it gets those of now, and no cache keeps them under that hash.
    fn answer(&self, hash: &str, name: &str) -> Response {
        let Some(content) = self.0.files.get(name) else {
            return HttpError::general(Codigo::RotaInexistente).into_response();
        };
        let cache = if hash == self.0.hash { FOREVER } else { NO_CACHE };
        ([(CONTENT_TYPE, content_type(name)), (CACHE_CONTROL, cache)], *content).into_response()
    }
}

async fn answer(
    State(assets): State<Assets>,
    Path((hash, name)): Path<(String, String)>,
) -> Response {
    assets.answer(&hash, &name)
}

fn content_type(name: &str) -> HeaderValue {
    HeaderValue::from_static(match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml; charset=utf-8",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const OWN: &[Asset] = &[
        Asset { name: "list.js", content: b"export {};" },
        Asset { name: "drivers.css", content: b"" },
    ];

    async fn get(assets: &Assets, hash: &str, name: &str) -> (u16, [String; 2], String) {
        let response = assets.answer(hash, name);
        let header = |name| {
            response.headers().get(name).map_or("", |value| value.to_str().expect("a text")).into()
        };
        let headers = [header(CONTENT_TYPE), header(CACHE_CONTROL)];
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        (status, headers, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn files_stay_in_caches_under_their_own_hash_only() {
        let assets = Assets::new(OWN);
        let hash = assets.path().strip_prefix("static/").expect("a folder").to_owned();
        let (status, [content_type, cache], body) = get(&assets, &hash, "list.js").await;
        assert_eq!((status, body.as_str()), (200, "export {};"));
        assert_eq!(content_type, "text/javascript; charset=utf-8");
        assert_eq!(cache, FOREVER);
        let (status, [content_type, cache], body) = get(&assets, "before", "list.js").await;
        assert_eq!((status, body.as_str()), (200, "export {};"));
        assert_eq!(content_type, "text/javascript; charset=utf-8");
        assert_eq!(cache, NO_CACHE);
        let (status, [content_type, _], body) = get(&assets, &hash, "nope.js").await;
        assert_eq!((status, content_type.as_str()), (404, "application/json"));
        assert!(body.contains("rota_inexistente"), "{body}");
    }

    #[test]
    fn every_shared_file_is_built_in() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/pages"));
        let entries = folder.expect("the folder").map(|entry| entry.expect("an entry"));
        let files = entries.filter(|entry| entry.path().is_file());
        let mut names: Vec<_> =
            files.map(|file| file.file_name().into_string().expect("a text")).collect();
        names.sort_unstable();
        let built_in: Vec<_> = SHARED.iter().map(|asset| asset.name).collect();
        assert_eq!(built_in, names);
    }

    #[test]
    fn a_page_can_name_all_modules_beforehand() {
        let asset = |name, content: &'static str| Asset { name, content: content.as_bytes() };
        let assets = Assets::new(&[
            asset("a.js", "import { b } from \"./b.js\";\nimport {\n  c,\n} from \"./c.js\";"),
            asset("b.js", "export { c } from \"./c.js\"; export const b = 1;"),
            asset("c.js", "import \"./a.js\"; import * as a from \"./a.js\"; from \"./nope.js\""),
            asset("d.js", ""),
        ]);
        assert_eq!(assets.imports_of("a.js"), ["b.js", "c.js"]);
        assert_eq!(assets.imports_of("d.js"), [""; 0]);
    }

    #[test]
    fn the_hash_is_of_names_and_content() {
        let path = |assets: &[Asset]| Assets::new(assets).path();
        let turned: Vec<_> = OWN.iter().rev().copied().collect();
        assert_eq!(path(OWN), path(&turned));
        let [list, css] = [OWN[0], OWN[1]];
        for other in [
            vec![list],
            vec![list, Asset { content: b" ", ..css }],
            vec![list, Asset { name: "driver.css", ..css }],
            vec![Asset { content: b"export {}", ..list }, Asset { content: b";", ..css }],
        ] {
            assert_ne!(path(OWN), path(&other), "{other:?}");
        }
    }
}
