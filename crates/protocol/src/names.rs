//! Names of fields that do not exist, and which known name is meant.
//!
//! Anybody may send any name: what an answer repeats of it is bounded and escaped.

use strsim::{damerau_levenshtein, jaro_winkler};
use unicode_normalization::UnicodeNormalization as _;

use crate::check::{Checker, UNKNOWN, UnknownFields};

/// What is kept of a name, in characters.
const MAX_KEPT: usize = 64;
/// Unknown fields that an answer names; of the others it says how many they are.
const MAX_NAMED: usize = 10;
/// How alike two names are, from 0 to 1, for one to be suggested for the other.
const MIN_SIMILARITY: f64 = 0.85;

/// Optional fields without which a caller gets the same in more bytes or messages. Programs that do not
/// know them have names alike for fields of their own: `version`, `lista`.
const MAY_BE_MISSED: [&str; 2] = ["versao", "listas"];

/// A field of a set.
pub struct KnownField {
    pub name: &'static str,
    /// Left out, or `null`.
    pub is_missing: bool,
}

/// The beginning of a name, as much as is kept.
pub(crate) fn kept(name: &str) -> Box<str> {
    name.chars().take(MAX_KEPT).collect::<String>().into()
}

/// Reports the unknown fields that are wrong.
pub(crate) fn report(unknown: &[Box<str>], known: &[KnownField], checker: &mut Checker) {
    let all = checker.unknown_fields == UnknownFields::Refused;
    let meant: fn(&str, &[KnownField]) -> _ = if all { suggestion } else { misspelt };
    let unknown = unknown.iter().filter(|name| all || misspelt(name, known).is_some());
    let wrong: Vec<_> = unknown.collect();
    for (index, name) in wrong.iter().take(MAX_NAMED).enumerate() {
        let mut mensagem = UNKNOWN.to_owned();
        if index + 1 == MAX_NAMED && wrong.len() > MAX_NAMED {
            mensagem += &match wrong.len() - MAX_NAMED {
                1 => ", nem outro campo".to_owned(),
                others => format!(", nem outros {others} campos"),
            };
        }
        if let Some(meant) = meant(name, known) {
            mensagem += &format!("; você quis dizer {meant}?");
        }
        checker.wrong(&shown(name), mensagem);
    }
}

/// A name of a caller, escaped, for an error message.
fn shown(name: &str) -> String {
    if name.is_empty() {
        return r#""""#.to_owned();
    }
    let cut = if name.chars().count() < MAX_KEPT { "" } else { "…" };
    format!("{}{cut}", name.escape_debug())
}

/// Letters and digits alone: case, accents, hyphens and the like make no other name.
fn folded(name: &str) -> String {
    let letters = name.nfkd().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The known name that is nearest, if one is near.
fn suggestion(unknown: &str, known: &[KnownField]) -> Option<&'static str> {
    let unknown = folded(unknown);
    let near = known.iter().filter_map(|field| {
        let name = folded(field.name);
        let slips = damerau_levenshtein(&unknown, &name);
        // The one measure finds slips, the other a name of which a part was left out.
        let is_near =
            slips <= name.len().div_ceil(4) || jaro_winkler(&unknown, &name) >= MIN_SIMILARITY;
        is_near.then_some((slips, field.name))
    });
    near.min().map(|(_, name)| name)
}

/// The missing field that an unknown one must be meant as.
fn misspelt(unknown: &str, known: &[KnownField]) -> Option<&'static str> {
    let unknown = folded(unknown);
    let mut missing =
        known.iter().filter(|field| field.is_missing && !MAY_BE_MISSED.contains(&field.name));
    missing.find(|field| is_misspelling(&unknown, field.name)).map(|field| field.name)
}

/// Whether a folded name is `name` but for its spelling. Names of several words share words with
/// others by nature (`taxa_descarga`, `taxa_recarga`), and short names have few letters: there one
/// slip is a misspelling, and two make another name.
fn is_misspelling(unknown: &str, name: &str) -> bool {
    let max_slips = if name.len() < 6 || name.contains('_') { 1 } else { 2 };
    let name = folded(name);
    name.len().abs_diff(unknown.len()) <= max_slips
        && damerau_levenshtein(unknown, &name) <= max_slips
}
