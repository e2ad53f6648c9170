//! What chargers said and the database could not take yet.
//!
//! Whoever reserves is told of a fault and asks again; a charger is not, and says that it is
//! broken only once. So its latest word is kept, and written as soon as that can be done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::PostoChange;

use crate::store::WriteError;

/// The most postos whose chargers are remembered; ids come from outside.
const MOST: usize = 100_000;

/// The latest word of each charger, in order of arrival.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chargers {
    words: Arc<Mutex<Words>>,
}

#[derive(Debug, Default)]
struct Words {
    last: u64,
    of_posto: HashMap<i64, Word>,
}

#[derive(Debug)]
struct Word {
    number: u64,
    /// There until it is on disk.
    unwritten: Option<PostoChange>,
}

impl Chargers {
    /// A word arrived: its number.
    pub(super) fn heard(&self) -> u64 {
        let mut words = self.lock();
        words.last += 1;
        words.last
    }

    /// What came of writing it. Only the latest word of a charger counts.
    pub(super) fn note(
        &self,
        posto_id: i64,
        number: u64,
        change: &PostoChange,
        outcome: &Result<i64, WriteError>,
    ) {
        let try_again = matches!(outcome, Err(WriteError::Unavailable | WriteError::Overloaded));
        let mut words = self.lock();
        if words.of_posto.get(&posto_id).is_some_and(|word| word.number > number) {
            return;
        }
        if words.of_posto.len() < MOST || words.of_posto.contains_key(&posto_id) {
            let unwritten = try_again.then(|| change.clone());
            words.of_posto.insert(posto_id, Word { number, unwritten });
        }
    }

    /// What is to be written still.
    pub(super) fn unwritten(&self) -> Vec<(i64, u64, PostoChange)> {
        let words = self.lock();
        let unwritten =
            |(id, word): (&i64, &Word)| Some((*id, word.number, word.unwritten.clone()?));
        words.of_posto.iter().filter_map(unwritten).collect()
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
    fn the_latest_word_is_kept_until_it_is_written() {
        let chargers = Chargers::default();
        let (first, second) = (chargers.heard(), chargers.heard());
        chargers.note(5, second, &change(false), &Err(WriteError::Unavailable));
        chargers.note(5, first, &change(true), &Ok(5));
        assert_eq!(chargers.unwritten(), [(5, second, change(false))]);
        chargers.note(5, second, &change(false), &Ok(5));
        assert_eq!(chargers.unwritten(), []);
        chargers.note(5, first, &change(true), &Err(WriteError::Overloaded));
        assert_eq!(chargers.unwritten(), [], "an older word does not come back");
    }
}
