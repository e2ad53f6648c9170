//! What chargers said and the database could not take yet.
//!
//! Whoever reserves is told of a fault and asks again; a charger is not, and says that it is
//! broken only once. So its latest word is kept, and written as soon as that can be done.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::PostoChange;

use crate::store::WriteError;

/// The most postos whose chargers are remembered; ids come from outside.
const MOST: usize = 100_000;

/// The latest word of each charger, until it is on disk.
#[derive(Debug, Default)]
pub(crate) struct Chargers {
    words: Mutex<Words>,
}

#[derive(Debug, Default)]
struct Words {
    last: u64,
    of_posto: HashMap<i64, Word>,
}

#[derive(Debug)]
struct Word {
    number: u64,
    /// There while nobody is writing it.
    unwritten: Option<PostoChange>,
}

impl Chargers {
    /// A word arrived: its number. Whatever that charger said before does not count any more.
    pub(super) fn heard(&self, posto_id: i64) -> u64 {
        let mut words = self.lock();
        words.last += 1;
        let number = words.last;
        if words.of_posto.len() < MOST || words.of_posto.contains_key(&posto_id) {
            words.of_posto.insert(posto_id, Word { number, unwritten: None });
        }
        number
    }

    /// What came of writing it. Only the latest word of a charger is kept.
    pub(super) fn note(
        &self,
        posto_id: i64,
        number: u64,
        change: PostoChange,
        outcome: &Result<i64, WriteError>,
    ) {
        let mut words = self.lock();
        let Some(word) = words.of_posto.get_mut(&posto_id).filter(|word| word.number == number)
        else {
            return;
        };
        if matches!(outcome, Err(WriteError::Unavailable | WriteError::Overloaded)) {
            word.unwritten = Some(change);
        } else {
            words.of_posto.remove(&posto_id);
        }
    }

    /// Takes what is to be written still; what fails again is to be noted again.
    pub(super) fn take_unwritten(&self) -> Vec<(i64, u64, PostoChange)> {
        let mut words = self.lock();
        let unwritten =
            |(id, word): (&i64, &mut Word)| Some((*id, word.number, word.unwritten.take()?));
        words.of_posto.iter_mut().filter_map(unwritten).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(in_service: bool) -> PostoChange {
        PostoChange { in_service: Some(in_service), ..PostoChange::default() }
    }

    #[test]
    fn a_word_is_kept_until_it_is_written() {
        let chargers = Chargers::default();
        let number = chargers.heard(5);
        chargers.note(5, number, change(false), &Err(WriteError::Unavailable));
        assert_eq!(chargers.take_unwritten(), [(5, number, change(false))]);
        assert_eq!(chargers.take_unwritten(), [], "it is being written");
        chargers.note(5, number, change(false), &Err(WriteError::Overloaded));
        assert_eq!(chargers.take_unwritten(), [(5, number, change(false))]);
        chargers.note(5, number, change(false), &Ok(5));
        assert_eq!(chargers.take_unwritten(), []);
        assert!(chargers.lock().of_posto.is_empty(), "nothing is left of what is done");
    }

    #[test]
    fn an_older_word_never_follows_a_newer_one() {
        let chargers = Chargers::default();
        let first = chargers.heard(5);
        chargers.note(5, first, change(false), &Err(WriteError::Unavailable));
        // The newer word is under way when the older one would be tried again, and before.
        let second = chargers.heard(5);
        assert_eq!(chargers.take_unwritten(), []);
        chargers.note(5, first, change(false), &Err(WriteError::Unavailable));
        assert_eq!(chargers.take_unwritten(), []);
        chargers.note(5, second, change(true), &Err(WriteError::Unavailable));
        assert_eq!(chargers.take_unwritten(), [(5, second, change(true))]);
    }
}
