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
/// Unknown fields of a message that are compared letter by letter with the missing ones. No honest
/// message has as many that are nearly alike.
const MAX_ALIKE: usize = 64;
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

/// The unknown fields of a message. A sender may send any number of them: what is kept is bounded,
/// and what is done for each is little.
#[derive(Default)]
pub(crate) struct UnknownNames {
    count: usize,
    /// The first ones, as many as an answer names.
    first: Vec<Box<str>>,
    /// Those that may be misspellings, wherever they come among the others.
    alike: Vec<Box<str>>,
    known: Option<Vec<Spelling>>,
    folded: String,
}

impl UnknownNames {
    /// `known` is called for the first name only.
    pub(crate) fn add(&mut self, name: &str, known: impl FnOnce() -> Vec<KnownField>) {
        self.count += 1;
        let name = beginning(name);
        if self.first.len() < MAX_NAMED {
            self.first.push(name.into());
        }
        if self.alike.len() < MAX_ALIKE {
            let known = self.known.get_or_insert_with(|| {
                let known = known();
                known.iter().filter(|field| field.can_be_misspelt()).map(Spelling::of).collect()
            });
            fold_into(name, &mut self.folded);
            let letters = letters(&self.folded);
            if known.iter().any(|known| known.is_like(&self.folded, letters)) {
                self.alike.push(name.into());
            }
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Reports those that are wrong.
    pub(crate) fn report(&self, known: &[KnownField], checker: &mut Checker) {
        if self.is_empty() {
            return;
        }
        let (wrong, count): (Vec<_>, _) = match checker.unknown_fields {
            UnknownFields::Refused => {
                let known: Vec<_> = known.iter().map(Spelling::of).collect();
                let names = self.first.iter().map(|name| (name, suggestion(name, &known)));
                (names.collect(), self.count)
            }
            UnknownFields::Tolerated => {
                let missing =
                    known.iter().filter(|field| field.is_missing && field.can_be_misspelt());
                let missing: Vec<_> = missing.map(Spelling::of).collect();
                let names = self.alike.iter().map(|name| (name, misspelt(name, &missing)));
                let wrong: Vec<_> = names.filter(|(_, meant)| meant.is_some()).collect();
                let count = wrong.len();
                (wrong, count)
            }
        };
        for (index, (name, meant)) in wrong.into_iter().take(MAX_NAMED).enumerate() {
            let mut mensagem = UNKNOWN.to_owned();
            if index + 1 == MAX_NAMED && count > MAX_NAMED {
                mensagem += &match count - MAX_NAMED {
                    1 => ", nem outro campo".to_owned(),
                    others => format!(", nem outros {others} campos"),
                };
            }
            if let Some(meant) = meant {
                mensagem += &format!("; você quis dizer {meant}?");
            }
            checker.wrong(&shown(name), mensagem);
        }
    }
}

impl KnownField {
    fn can_be_misspelt(&self) -> bool {
        !MAY_BE_MISSED.contains(&self.name)
    }
}

/// The beginning of a name, as much as is kept.
fn beginning(name: &str) -> &str {
    name.char_indices().nth(MAX_KEPT).map_or(name, |(end, _)| &name[..end])
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
fn fold_into(name: &str, folded: &mut String) {
    folded.clear();
    let letters = |letter: &char| letter.is_ascii_alphanumeric();
    if name.is_ascii() {
        folded.extend(name.chars().filter(letters));
    } else {
        folded.extend(name.nfkd().filter(letters));
    }
    folded.make_ascii_lowercase();
}

fn folded(name: &str) -> String {
    let mut folded = String::new();
    fold_into(name, &mut folded);
    folded
}

/// Which letters and digits a folded name has, a bit for each.
fn letters(folded: &str) -> u64 {
    let bit = |byte| match byte {
        b'a'..=b'z' => byte - b'a',
        _ => 26 + byte.wrapping_sub(b'0') % 10,
    };
    folded.bytes().fold(0, |letters, byte| letters | 1 << bit(byte))
}

/// How a known name is spelled.
struct Spelling {
    name: &'static str,
    folded: String,
    letters: u64,
    /// With how many slips another name is a misspelling of this one. Names of several words share
    /// words with others by nature (`taxa_descarga`, `taxa_recarga`), and short names have few letters:
    /// there one slip is a misspelling, and two make another name.
    max_slips: usize,
}

impl Spelling {
    fn of(field: &KnownField) -> Self {
        let (name, folded) = (field.name, folded(field.name));
        let max_slips = if name.len() < 6 || name.contains('_') { 1 } else { 2 };
        Self { name, letters: letters(&folded), folded, max_slips }
    }

    /// Whether a folded name with these letters may be a misspelling: each slip changes the length
    /// by one at most, and makes at most one letter of either name missing in the other.
    fn is_like(&self, unknown: &str, letters: u64) -> bool {
        let missing = (self.letters & !letters).count_ones() as usize;
        let added = (letters & !self.letters).count_ones() as usize;
        let longer = self.folded.len().abs_diff(unknown.len());
        missing.max(added).max(longer) <= self.max_slips
    }
}

/// The known name that is nearest, if one is near.
fn suggestion(unknown: &str, known: &[Spelling]) -> Option<&'static str> {
    let unknown = folded(unknown);
    let near = known.iter().filter_map(|Spelling { name, folded, .. }| {
        let slips = damerau_levenshtein(&unknown, folded);
        // The one measure finds slips, the other a name of which a part was left out.
        let is_near =
            slips <= folded.len().div_ceil(4) || jaro_winkler(&unknown, folded) >= MIN_SIMILARITY;
        is_near.then_some((slips, *name))
    });
    near.min().map(|(_, name)| name)
}

/// The missing field that an unknown one must be meant as.
fn misspelt(unknown: &str, missing: &[Spelling]) -> Option<&'static str> {
    let unknown = folded(unknown);
    let letters = letters(&unknown);
    let is_misspelling = |known: &&Spelling| {
        known.is_like(&unknown, letters)
            && damerau_levenshtein(&unknown, &known.folded) <= known.max_slips
    };
    missing.iter().find(is_misspelling).map(|known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<KnownField> {
        let names = ["inicio", "fim", "posto_id", "versao"];
        names.map(|name| KnownField { name, is_missing: true }).into()
    }

    #[test]
    fn a_bounded_number_of_names_is_kept_and_a_misspelling_behind_them() {
        let mut unknown = UnknownNames::default();
        for number in 0..10_000 {
            unknown.add(&format!("x{number}"), known);
            unknown.add("a", known);
        }
        assert_eq!((unknown.first.len(), unknown.alike.len()), (MAX_NAMED, 0));
        unknown.add("incio", known);
        assert_eq!((unknown.count, &*unknown.alike), (20_001, &["incio".into()][..]));
        // Names of the letters of a known one.
        for _ in 0..10_000 {
            unknown.add("oicini", known);
            unknown.add("versaoo", known);
        }
        assert_eq!((unknown.first.len(), unknown.alike.len()), (MAX_NAMED, MAX_ALIKE));
        assert!(unknown.alike.iter().all(|name| &**name != "versaoo"));
    }

    /// What rules a name out without counting its slips rules out no misspelling.
    #[test]
    fn names_with_few_slips_are_alike() {
        let spellings: Vec<_> = known().iter().map(Spelling::of).collect();
        for Spelling { folded: name, max_slips, .. } in &spellings {
            for other in spellings.iter().flat_map(|other| one_slip(&other.folded)) {
                for other in one_slip(&other) {
                    let is_alike = |known: &Spelling| known.is_like(&other, letters(&other));
                    let slips = damerau_levenshtein(name, &other);
                    let spelling = spellings.iter().find(|known| known.folded == *name);
                    assert!(slips > *max_slips || spelling.is_some_and(is_alike), "{name} {other}");
                }
            }
        }
    }

    /// A name with a letter left out, another, one more, and two that changed places.
    fn one_slip(name: &str) -> Vec<String> {
        let places = 0..name.len();
        let slips = places.flat_map(|at| {
            let (before, rest) = name.split_at(at);
            let after = &rest[1..];
            let next = after.get(..1).unwrap_or_default();
            let swapped =
                format!("{before}{next}{}{}", &rest[..1], after.get(1..).unwrap_or_default());
            [
                format!("{before}{after}"),
                format!("{before}z{after}"),
                format!("{before}i{rest}"),
                swapped,
            ]
        });
        slips.collect()
    }
}
