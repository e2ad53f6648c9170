//! `docs/security.md` names every attack, and no test that does not exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../../docs/security.md");

/// Where the tests of a name before `::` are.
fn folder(of: &str) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match of {
        "attacks" | "e2e" | "promises" | "rights" => crates.join("suite/tests").join(of),
        package => crates.join(package),
    }
}

/// `of::name` in code style, each once.
fn named() -> BTreeSet<(&'static str, &'static str)> {
    let codes = PAGE.split('`').skip(1).step_by(2);
    codes.filter_map(|code| code.split_once("::")).collect()
}

#[test]
fn every_attack_is_named_and_every_test_that_is_named_exists() {
    let named = named();
    let attacks: BTreeSet<&str> =
        named.iter().filter(|(of, _)| *of == "attacks").map(|(_, name)| *name).collect();
    let missing: Vec<&&str> = crate::NAMES.iter().filter(|name| !attacks.contains(*name)).collect();
    assert!(missing.is_empty(), "docs/security.md does not name {missing:?}");
    for (of, name) in named {
        let is_listed = of == "attacks" && crate::NAMES.contains(&name);
        assert!(is_listed || has_test(&folder(of), name), "there is no {of}::{name}");
    }
    assert!(crate::NAMES.len() >= 20, "{} attacks", crate::NAMES.len());
}

fn has_test(folder: &Path, name: &str) -> bool {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return has_test(&path, name);
        }
        path.extension().is_some_and(|extension| extension == "rs")
            && is_test_of(&fs::read_to_string(&path).expect("a source"), name)
    })
}

/// Whether a source has the function, with the attribute of a test before it.
fn is_test_of(source: &str, name: &str) -> bool {
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else { return false };
    let attributes = before.rsplit("\n\n").next().unwrap_or(before);
    attributes.contains("#[test]") || attributes.contains("#[tokio::test")
}

#[test]
fn what_is_no_test_is_not_found() {
    let source = "#[test]\nfn one() {}\n\nfn two() {}\n";
    assert!(is_test_of(source, "one"));
    assert!(!is_test_of(source, "two") && !is_test_of(source, "three"));
}
