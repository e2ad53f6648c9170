//! What happens in random histories. Postos and carros are numbers, times minutes.

use domain::Disposition;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Pass(i64),
    /// From so many minutes later on, for so long.
    Reserve(i64, usize, i64, i64),
    /// The same request again, or the same cancellation.
    Repeat(usize),
    Cancel(usize),
    /// By the operator.
    CancelById(usize),
    /// Another end, so many minutes from now, or another posto.
    ChangeEnd(usize, i64),
    ChangePosto(usize, i64),
    Start(i64, usize),
    /// The session that is open there ends, now or so many minutes ago, with so many Wh.
    Finish(i64, Option<i64>, i64),
    /// It began so many minutes ago, and lasted so long or goes on.
    Report(i64, usize, i64, Option<i64>, i64),
    /// The session of this number, stored in whole or not, ended with so many Wh, and some minutes later
    /// or earlier.
    Correct(usize, i64, i64),
    Service(i64, bool, bool, Disposition),
    Charger(i64, bool),
    ForgetCharger(i64),
    Price(i64, i64),
    Remove(i64, Disposition),
    Forget(usize),
    DeleteRefusals,
    Archive,
}

pub(super) const PLATES: [&str; 4] = ["AAA0A00", "BBB1B11", "CCC2C22", "DDD3D33"];

pub(super) fn step() -> impl Strategy<Value = Step> {
    let posto = 1i64..5;
    let some = 0usize..40;
    let carro = 0..PLATES.len();
    let wh = 0i64..30_000;
    let disposition = proptest::sample::select(Disposition::ALL);
    prop_oneof![
        12 => (1i64..25).prop_map(Step::Pass),
        9 => (posto.clone(), carro.clone(), prop_oneof![Just(0i64), -30i64..60], 1i64..200)
            .prop_map(|(posto, carro, from, length)| Step::Reserve(posto, carro, from, length)),
        2 => some.clone().prop_map(Step::Repeat),
        2 => some.clone().prop_map(Step::Cancel),
        1 => some.clone().prop_map(Step::CancelById),
        2 => (some.clone(), -5i64..200).prop_map(|(at, fim)| Step::ChangeEnd(at, fim)),
        3 => (some.clone(), posto.clone()).prop_map(|(at, posto)| Step::ChangePosto(at, posto)),
        6 => (posto.clone(), carro.clone()).prop_map(|(posto, carro)| Step::Start(posto, carro)),
        5 => (posto.clone(), proptest::option::weighted(0.3, 0i64..20), wh.clone())
            .prop_map(|(posto, ago, wh)| Step::Finish(posto, ago, wh)),
        4 => (posto.clone(), carro.clone(), 0i64..90,
              proptest::option::weighted(0.8, 0i64..60), wh.clone())
            .prop_map(|(posto, carro, ago, length, wh)| Step::Report(posto, carro, ago, length, wh)),
        4 => (some, wh, -5i64..5).prop_map(|(at, wh, later)| Step::Correct(at, wh, later)),
        2 => (posto.clone(), any::<bool>(), any::<bool>(), disposition.clone())
            .prop_map(|(posto, on, fixing, then)| Step::Service(posto, on, fixing, then)),
        2 => (posto.clone(), any::<bool>()).prop_map(|(posto, on)| Step::Charger(posto, on)),
        1 => posto.clone().prop_map(Step::ForgetCharger),
        1 => (posto.clone(), 0i64..400).prop_map(|(posto, cents)| Step::Price(posto, cents)),
        1 => (posto, disposition).prop_map(|(posto, disposition)| Step::Remove(posto, disposition)),
        1 => carro.prop_map(Step::Forget),
        1 => Just(Step::DeleteRefusals),
        3 => Just(Step::Archive),
    ]
}
