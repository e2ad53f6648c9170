//! The order of names as people expect it: `Ponto 2` before `Ponto 10`, accents and case aside.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Sorts a name. Two names that are alike have the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NameKey(Box<str>);

/// Before a number, which is before every letter.
const NUMBER: char = '\u{1}';

impl NameKey {
    /// A number is written as its length and its digits, so that the longer one is after the shorter.
    pub(super) fn of(name: &str) -> Self {
        let letters = name.nfd().filter(|letter| !is_combining_mark(*letter));
        let mut letters = letters.flat_map(char::to_lowercase).peekable();
        let mut key = String::with_capacity(name.len());
        while let Some(letter) = letters.next() {
            if !letter.is_ascii_digit() {
                key.push(letter);
                continue;
            }
            let mut digits = String::from(letter);
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let digits = digits.trim_start_matches('0');
            // No name has more than 120 characters.
            let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
            key.extend([NUMBER, char::from(length)]);
            key.push_str(digits);
        }
        Self(key.into())
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
