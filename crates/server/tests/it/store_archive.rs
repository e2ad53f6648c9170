//! What ended long ago: when it is archived, and what it still answers.

use std::time::Duration;

use domain::millis;
use server::store::{Archivable, ArchiveEnded};

use crate::support::{TestStore, now};

/// Archives all that ended so long ago; how many rows.
pub(crate) async fn archive(store: &TestStore, age: Duration) -> usize {
    let (mut found, mut rows) = (Archivable::default(), 0);
    while !found.is_last() {
        let cutoff = now().plus_millis(-millis(age));
        found = store.store.archivable(cutoff, &found).await.expect("a read");
        let (reservas, carregamentos) = (found.reservas.clone(), found.carregamentos.clone());
        let command = ArchiveEnded { age, reservas, carregamentos };
        let archived = store.store.execute(command).await.expect("it is archived");
        rows += archived.reservas + archived.carregamentos;
    }
    rows
}
