//! Who may know whom, inside the crates and between them, as ARCHITECTURE.md says.

use std::path::{Path, PathBuf};

/// What is at or under `room` names none of `strangers`.
struct Rule {
    room: &'static str,
    strangers: &'static [&'static str],
}

const RULES: [Rule; 11] = [
    Rule {
        room: "domain",
        strangers: &["protocol", "bus", "service", "tokio", "serde", "sqlx", "rusqlite", "axum"],
    },
    Rule { room: "protocol", strangers: &["tokio", "axum", "rumqttc", "sqlx", "bus"] },
    Rule { room: "bus", strangers: &["axum", "sqlx", "domain", "service"] },
    Rule { room: "service", strangers: &["rumqttc", "sqlx", "domain", "bus"] },
    Rule { room: "client", strangers: &["rumqttc", "sqlx", "domain", "server"] },
    Rule { room: "server", strangers: &["rumqttc", "client"] },
    Rule { room: "server/src/store", strangers: &["protocol", "bus", "service", "axum", "utoipa"] },
    Rule { room: "server/src/store/reader", strangers: &["rusqlite"] },
    Rule { room: "server/src/store/writer", strangers: &["sqlx"] },
    Rule { room: "server/src/admin", strangers: &["sqlx", "rusqlite"] },
    Rule { room: "server/src/handlers", strangers: &["sqlx", "rusqlite", "axum"] },
];

/// The rooms of the servidor where both the wire and the domain are known: those that translate,
/// and what they are handed.
const TRANSLATORS: [&str; 7] =
    ["wire.rs", "failure.rs", "announce.rs", "app_state.rs", "import.rs", "handlers", "admin"];

#[test]
fn no_room_knows_a_stranger() {
    for rule in &RULES {
        for file in sources(rule.room) {
            let text = code_of(&file);
            for stranger in rule.strangers {
                assert!(
                    !names(&text, stranger),
                    "{} names {stranger}, which {} may not know",
                    file.display(),
                    rule.room
                );
            }
        }
    }
}

#[test]
fn only_translators_know_both_wire_and_domain() {
    let inside = crates().join("server/src");
    for file in sources("server/src") {
        let place = file.strip_prefix(&inside).expect("a file of the server");
        if TRANSLATORS.iter().any(|room| place.starts_with(room)) {
            continue;
        }
        let text = code_of(&file);
        let both = names(&text, "protocol") && names(&text, "domain");
        assert!(!both, "{} knows both wire and domain", file.display());
    }
}

#[test]
fn a_stranger_would_be_found() {
    assert!(names("use sqlx::Row;", "sqlx"));
    assert!(names("let row = sqlx::query(sql);", "sqlx"));
    assert!(names("async fn list() -> axum::Json<()>", "axum"));
    assert!(!names("let observer = client_id;", "server"));
    assert!(!names("my_bus::call()", "bus"));
    assert_eq!(without_comments("a // sqlx::b\nc"), "a \nc");
}

/// Whether a path in `text` begins with `name`.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = &text[at + name.len()..];
        let begins = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        begins
            && (after.starts_with("::") || text[..at].ends_with("use ") && after.starts_with(';'))
    })
}

fn code_of(file: &Path) -> String {
    without_comments(&std::fs::read_to_string(file).expect("a source file"))
}

fn without_comments(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    lines.join("\n")
}

/// The product code at or under a folder of `crates`; of a whole crate, its `src`.
fn sources(room: &str) -> Vec<PathBuf> {
    let folder = crates().join(room);
    let folder = if room.contains('/') { folder } else { folder.join("src") };
    let mut found = Vec::new();
    collect(&folder, &mut found);
    assert!(!found.is_empty(), "no source in {}", folder.display());
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
