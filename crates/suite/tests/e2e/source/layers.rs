//! Which layer may use which, between the crates and inside the server; see ARCHITECTURE.md.

use crate::source::sources::{Paths, crates, sources, tokens, tokens_of};

/// The code at or under `layer` uses none of the `forbidden` crates.
struct Rule {
    layer: &'static str,
    forbidden: &'static [&'static str],
}

const RULES: [Rule; 11] = [
    Rule {
        layer: "domain",
        forbidden: &["protocol", "bus", "service", "tokio", "serde", "sqlx", "rusqlite", "axum"],
    },
    Rule { layer: "protocol", forbidden: &["tokio", "axum", "rumqttc", "sqlx", "bus"] },
    Rule { layer: "bus", forbidden: &["axum", "sqlx", "domain", "service"] },
    Rule { layer: "service", forbidden: &["rumqttc", "sqlx", "domain", "bus"] },
    Rule { layer: "client", forbidden: &["rumqttc", "sqlx", "domain", "server"] },
    Rule { layer: "server", forbidden: &["rumqttc", "client"] },
    Rule {
        layer: "server/src/store",
        forbidden: &["protocol", "bus", "service", "axum", "utoipa"],
    },
    Rule { layer: "server/src/store/reader", forbidden: &["rusqlite"] },
    Rule { layer: "server/src/store/writer", forbidden: &["sqlx"] },
    Rule { layer: "server/src/admin", forbidden: &["sqlx", "rusqlite"] },
    Rule { layer: "server/src/handlers", forbidden: &["sqlx", "rusqlite", "axum"] },
];

/// The parts of the server that use both wire and domain types: those that translate between
/// them, and the state they share.
const TRANSLATORS: [&str; 7] =
    ["wire.rs", "failure.rs", "announce.rs", "app_state.rs", "import", "handlers", "admin"];

#[test]
fn no_layer_uses_what_is_forbidden_to_it() {
    for rule in &RULES {
        for file in sources(rule.layer) {
            let paths = Paths::of(&tokens_of(&file));
            for forbidden in rule.forbidden {
                assert!(
                    !uses(&paths, forbidden),
                    "{} uses {forbidden}, which is forbidden to {}",
                    file.display(),
                    rule.layer
                );
            }
        }
    }
}

#[test]
fn protocol_uses_the_values_of_domain_and_not_its_decisions() {
    for file in sources("protocol") {
        let paths = Paths::of(&tokens_of(&file));
        let decision =
            paths.all().find(|path| path.len() > 1 && path[0] == "domain" && !is_value(path));
        assert_eq!(decision, None, "{}", file.display());
    }
}

#[test]
fn only_translators_use_both_wire_and_domain() {
    let server = crates().join("server/src");
    for file in sources("server/src") {
        let place = file.strip_prefix(&server).expect("a file of the server");
        if TRANSLATORS.iter().any(|translator| place.starts_with(translator)) {
            continue;
        }
        let paths = Paths::of(&tokens_of(&file));
        let both = uses(&paths, "protocol") && uses(&paths, "domain");
        assert!(!both, "{} uses both wire and domain types", file.display());
    }
}

#[test]
fn readers_use_nothing_of_the_writer() {
    for file in sources("server/src/store/reader") {
        let paths = Paths::of(&tokens_of(&file));
        let used = paths.all().find(|path| path.iter().any(|segment| segment == "writer"));
        assert_eq!(used, None, "{}", file.display());
    }
}

#[test]
fn a_broken_rule_would_be_found() {
    let uses = |code: &str, name: &str| uses(&Paths::of(&tokens(code)), name);
    assert!(uses("use sqlx::Row;", "sqlx"));
    assert!(uses("use sqlx;", "sqlx"));
    assert!(uses("let row = sqlx::query(sql);", "sqlx"));
    assert!(uses("async fn list() -> axum::Json<()>", "axum"));
    assert!(!uses("let observer = client_id;", "server"));
    assert!(!uses("my_bus::call()", "bus"));
    assert!(!uses("let bus = link; // bus::call", "bus"));
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert!(is_value(&path("domain::Kw::new")) && is_value(&path("domain::MAX_NOME")));
    assert!(!is_value(&path("domain::decide_reserva")));
}

/// Whether a path begins with the crate `name`.
fn uses(paths: &Paths, name: &str) -> bool {
    paths.imports.iter().any(|import| import.path.first().is_some_and(|first| first == name))
        || paths.used.iter().any(|path| path.len() > 1 && path[0] == name)
}

/// Whether a path names a type or a constant, or something of a type; functions do not count.
fn is_value(path: &[String]) -> bool {
    path.iter().any(|segment| segment.starts_with(char::is_uppercase))
}
