//! Reads the project's source as text: its files, its tokens and the paths in them.
//!
//! It sees neither paths that macros build nor dependencies without a path, such as a method call.

use std::path::{Path, PathBuf};

/// The folder that holds every crate.
pub(crate) fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust file at or under a folder of `crates`; of a whole crate, its `src`.
pub(crate) fn sources(place: &str) -> Vec<PathBuf> {
    let folder = crates().join(place);
    let folder = if place.contains('/') { folder } else { folder.join("src") };
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

/// The identifiers and punctuation of a file, without comments, literals and its unit tests.
pub(crate) fn tokens_of(file: &Path) -> Vec<String> {
    tokens(&std::fs::read_to_string(file).expect("a source file"))
}

/// As [`tokens_of`]. By convention the unit tests of a file are one module at its end.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = product;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            found.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// The length of the string or character that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c']);
    if let Some(raw) = body.strip_prefix('r') {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        if raw[marks..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(marks));
            let start = text.len() - raw.len() + marks + 1;
            return Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()));
        }
    }
    let quote = body.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let start = text.len() - body.len() + 1;
    // A single quote begins a lifetime unless another follows one character or an escape.
    let is_char = body[1..].starts_with('\\') || body.chars().nth(2) == Some('\'');
    if quote == '\'' && !is_char {
        return None;
    }
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        if c == quote && !escaped {
            return Some(start + at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    Some(text.len())
}

/// The name of an import of everything: `use a::b::*` is `*` for `[a, b]`.
pub(crate) const GLOB: &str = "*";

/// One imported name: `use a::b::C as D` is `D` for `[a, b, C]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    /// Whether it is a re-export, `pub(crate) use` included.
    pub(crate) exported: bool,
}

/// What a file imports, and the paths in the rest of its code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) imports: Vec<Import>,
    /// A name without `::` is a path of one segment.
    pub(crate) used: Vec<Vec<String>>,
}

impl Paths {
    pub(crate) fn of(tokens: &[String]) -> Self {
        let mut paths = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            let is_bound = tokens.get(at + 1).is_some_and(|next| next == "<");
            if tokens[at] == "use" && !is_bound {
                // The token before is `pub`, or the bracket of `pub(crate)`.
                let exported = at > 0 && ["pub", ")"].contains(&&*tokens[at - 1]);
                at += 1;
                paths.import(tokens, &mut at, &[], exported);
            } else if is_name(&tokens[at]) && (at == 0 || ![".", "::"].contains(&&*tokens[at - 1]))
            {
                let mut path = vec![tokens[at].clone()];
                while tokens.get(at + 1).is_some_and(|next| next == "::")
                    && tokens.get(at + 2).is_some_and(|next| is_name(next))
                {
                    path.push(tokens[at + 2].clone());
                    at += 2;
                }
                paths.used.push(path);
                at += 1;
            } else {
                at += 1;
            }
        }
        paths
    }

    /// Reads one tree of a `use`, whose segments before it are `prefix`.
    fn import(&mut self, tokens: &[String], at: &mut usize, prefix: &[String], exported: bool) {
        let mut path = prefix.to_vec();
        let mut name = None;
        while let Some(token) = tokens.get(*at).filter(|token| !";,}".contains(token.as_str())) {
            *at += 1;
            match token.as_str() {
                "{" => {
                    while tokens.get(*at).is_some_and(|next| next != "}") {
                        self.import(tokens, at, &path, exported);
                        *at += usize::from(tokens.get(*at).is_some_and(|next| next == ","));
                    }
                    *at += 1;
                    return;
                }
                "as" => {
                    name = tokens.get(*at).cloned();
                    *at += 1;
                }
                "*" => name = Some(GLOB.to_owned()),
                "::" => {}
                "self" if !path.is_empty() => {}
                segment => path.push(segment.to_owned()),
            }
        }
        let last = path.last().cloned().unwrap_or_default();
        self.imports.push(Import { name: name.unwrap_or(last), path, exported });
    }

    /// Every path, imported or used.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[String]> {
        let imported = self.imports.iter().map(|import| import.path.as_slice());
        imported.chain(self.used.iter().map(Vec::as_slice))
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[test]
fn paths_are_read_from_code_and_not_from_comments_or_texts() {
    let code = "use a::{b, c::{self, D as E}}; use f::*;\n// x::y\nfn f<'a>() { let s = \"p::q\"; \
                let c = '\"'; let r = r#\"m::n\"#; self.g::<T>(); d::E::f('\\''); }\n\
                fn h<'a>() -> impl I + use<'a> { h::i }";
    let paths = Paths::of(&tokens(code));
    let imports: Vec<_> = paths
        .imports
        .iter()
        .map(|import| format!("{}={}", import.name, import.path.join("::")))
        .collect();
    assert_eq!(imports, ["b=a::b", "c=a::c", "E=a::c::D", "*=f"]);
    let used: Vec<_> = paths.used.iter().map(|path| path.join("::")).collect();
    assert!(["d::E::f", "h::i"].iter().all(|path| used.iter().any(|one| one == path)), "{used:?}");
    for absent in ["x::y", "p::q", "m::n"] {
        assert!(!used.contains(&absent.to_owned()), "{used:?}");
    }
}

#[test]
fn the_unit_tests_of_a_file_are_left_out() {
    let code = "use a::b;\n#[cfg(test)]\nmod tests {\nuse c::d;\n}\n";
    assert_eq!(Paths::of(&tokens(code)).imports.len(), 1);
}
