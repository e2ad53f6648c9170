//! The order of names as people expect it: `Ponto 2` before `Ponto 10`, accents and case aside.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Sorts a name. Two names that are alike have the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameKey(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// By its length without zeros before it, then its digits.
    Number(usize, String),
    Letter(char),
}

impl NameKey {
    pub(super) fn of(name: &str) -> Self {
        let letters = name.nfd().filter(|letter| !is_combining_mark(*letter));
        let mut letters = letters.flat_map(char::to_lowercase).peekable();
        let mut parts = Vec::new();
        while let Some(letter) = letters.next() {
            if !letter.is_ascii_digit() {
                parts.push(Part::Letter(letter));
                continue;
            }
            let mut digits = String::from(letter);
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let digits = digits.trim_start_matches('0').to_owned();
            parts.push(Part::Number(digits.len(), digits));
        }
        Self(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_people() {
        let names = ["10 de Maio", "Água", "agua 2", "Ponto 2", "ponto 10", "Ponto 010b", "Zona"];
        let mut sorted = names.to_vec();
        sorted.reverse();
        sorted.sort_by_key(|name| NameKey::of(name));
        assert_eq!(sorted, names);
        assert_eq!(NameKey::of("ÁGUA 02"), NameKey::of("agua 2"));
    }
}
