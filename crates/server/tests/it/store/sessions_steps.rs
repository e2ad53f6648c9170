//! What happens at postos in random sequences.

use proptest::prelude::*;

use crate::store::sessions_model::{PLATES, POSTOS};

/// Postos and carros are indexes, times minutes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Pass(i64),
    Sweep,
    /// From so many minutes later on, for so long.
    Reserve(usize, usize, i64, i64),
    /// The reserva of this number, if there is one.
    Cancel(usize),
    Start(usize, usize),
    /// The session that is open there ends: now, or so many minutes ago.
    Finish(usize, Option<i64>),
    /// It began so many minutes ago, and lasted so long or goes on.
    Report(usize, usize, i64, Option<i64>),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    // Mostly of one posto and two carros, so that they meet.
    let posto = prop_oneof![4 => Just(0), 1 => 0..POSTOS];
    let carro = prop_oneof![4 => 0..2usize, 1 => 0..PLATES.len()];
    prop_oneof![
        4 => (1i64..15).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
        4 => (posto.clone(), carro.clone(), prop_oneof![Just(0i64), 0i64..40], 1i64..60)
            .prop_map(|(posto, carro, from, length)| Step::Reserve(posto, carro, from, length)),
        1 => (0usize..12).prop_map(Step::Cancel),
        4 => (posto.clone(), carro.clone()).prop_map(|(posto, carro)| Step::Start(posto, carro)),
        4 => (posto.clone(), proptest::option::weighted(0.2, 0i64..20))
            .prop_map(|(posto, ago)| Step::Finish(posto, ago)),
        4 => (posto, carro, 0i64..25, proptest::option::weighted(0.7, 0i64..15)).prop_map(
            |(posto, carro, ago, length)| Step::Report(posto, carro, ago, length)
        ),
    ]
}
