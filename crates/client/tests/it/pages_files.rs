//! The files that the pages for drivers load.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::running::Running;

/// What is between these two, wherever they come.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split(end).next())
}

/// The files that a page names, relative to it.
fn named_by(page: &str) -> BTreeSet<String> {
    let links = between(page, "href=\"static/", "\"").chain(between(page, "src=\"static/", "\""));
    links.map(|file| format!("/static/{file}")).collect()
}

/// The files in the folder `pages` of a crate that pages load.
fn files_of(crate_name: &str) -> Vec<String> {
    let folder = format!("{}/../{crate_name}/pages", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("one"));
    let names = entries.map(|entry| entry.file_name().into_string().expect("a text"));
    let is_loaded = |name: &String| {
        [".css", ".js", ".svg"].iter().any(|end| name.ends_with(end)) && name != "sw.js"
    };
    names.filter(is_loaded).collect()
}

#[tokio::test]
async fn every_file_is_named_by_a_page_or_module_and_there_for_ever() {
    // The files of a page do not count for the limit.
    let gateway = Running::start_with(&[("LIMITE_POR_MINUTO", "5")]).await;
    let mut files = named_by(&gateway.get("/").await.text);
    let first = files.first().expect("a file").clone();
    let (folder, _) = first.rsplit_once('/').expect("a folder");
    for module in ["list.js", "posto.js", "reserva.js", "offline.js", "error.js"] {
        files.insert(format!("{folder}/{module}"));
    }
    let mut checked = BTreeSet::new();
    while let Some(path) = files.pop_first() {
        let file = gateway.get(&path).await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        let content_type = match path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml; charset=utf-8",
        };
        assert_eq!(file.header("content-type"), content_type, "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{path}");
        let imports = between(&file.text, "from \"./", "\"");
        let imports: Vec<_> = imports.map(|name| format!("{folder}/{name}")).collect();
        checked.insert(path);
        files.extend(imports.into_iter().filter(|name| !checked.contains(name)));
    }
    let expected = [files_of("client"), files_of("service")].concat();
    let expected = expected.into_iter().map(|name| format!("{folder}/{name}"));
    assert_eq!(checked, expected.collect());
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_of_before_an_upgrade_gets_the_files_of_now() {
    let gateway = Running::start().await;
    let page = gateway.get("/").await.text;
    let path = named_by(&page).into_iter().find(|path| path.ends_with("/list.js"));
    let path = path.expect("the module of the list");
    let now = gateway.get(&path).await;
    // A module is asked for with `Origin`, and by the service worker without.
    let with_origin = gateway.request(Method::GET, &path).header("origin", "http://localhost");
    for answer in [&now, &gateway.send(with_origin).await] {
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{:?}",
            answer.headers
        );
        assert!(answer.headers.get_all("vary").iter().all(|names| names == "accept-encoding"));
    }
    let before = gateway.get("/static/00000000000000000000000000000000/list.js").await;
    assert_eq!((before.status, &before.text), (200, &now.text));
    assert_eq!(before.header("cache-control"), "no-cache");
    let folder = path.strip_suffix("/list.js").expect("a folder");
    for unknown in [format!("{folder}/nope.js"), format!("{folder}/sw.js"), folder.to_owned()] {
        gateway.get(&unknown).await.assert_refused((404, "rota_inexistente"), &unknown);
    }
    let written = gateway.send(gateway.request(Method::POST, &path)).await;
    written.assert_refused((405, "metodo_nao_permitido"), "a file is not written");
    gateway.stop().await;
}

#[tokio::test]
async fn the_service_worker_knows_the_files_of_now() {
    let gateway = Running::start().await;
    let worker = gateway.get("/sw.js").await;
    assert_eq!(worker.status, 200);
    assert_eq!(worker.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(worker.header("cache-control"), "no-cache");
    let page = gateway.get("/").await.text;
    let path = named_by(&page).into_iter().next().expect("a file");
    let (folder, _) = path.rsplit_once('/').expect("a folder");
    assert!(worker.text.contains(&folder[1..]), "{}", worker.text);
    assert!(!worker.text.contains("ASSETS_PATH"), "{}", worker.text);
    gateway.stop().await;
}
