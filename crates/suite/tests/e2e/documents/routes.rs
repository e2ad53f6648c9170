//! Every route is in its program's document, but for those that are named here.

use std::collections::BTreeSet;

use super::operations::documents;
use crate::source::sources::sources;

/// Pages for people, what they load, the documents themselves, and the metrics, which are answered on
/// an address of their own (docs/decisions/0088).
const UNDOCUMENTED: [&str; 15] = [
    "/asyncapi.json",
    "/docs",
    "/docs/",
    "/docs/{*path}",
    "/metrics",
    "/offline",
    "/offline/",
    "/openapi.json",
    "/painel/",
    "/posto",
    "/posto/",
    "/reserva",
    "/reserva/",
    "/static/{hash}/{file}",
    "/sw.js",
];

/// A route that is made with `routes!` documents itself; only one that is made by hand may be left out.
#[test]
fn only_pages_and_documents_are_in_no_document() {
    let mut by_hand = BTreeSet::new();
    for file in ["client", "server", "service"].into_iter().flat_map(sources) {
        if file.components().any(|part| part.as_os_str() == "tests")
            || file.file_name().is_some_and(|name| name == "tests.rs")
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a source file");
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for made in product.split(".route(").skip(1) {
            let path = made.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            let path = path.map(|(path, _)| path.to_owned());
            by_hand.insert(path.unwrap_or_else(|| panic!("{}: {made}", file.display())));
        }
        for other in [".route_service(", ".nest(", ".nest_service("] {
            assert!(!product.contains(other), "{}: {other} has routes too", file.display());
        }
    }
    let left_out: BTreeSet<String> = UNDOCUMENTED.map(str::to_owned).into();
    assert_eq!(by_hand, left_out);
    for (program, document) in documents() {
        for path in UNDOCUMENTED {
            assert!(document["paths"][path].is_null(), "{program}: {path} is documented");
        }
    }
}
