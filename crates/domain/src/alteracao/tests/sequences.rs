//! Many changes after each other.

use proptest::prelude::*;

use super::*;

/// Any change, of any reserva of some.
fn changes() -> impl Strategy<Value = Vec<(usize, ReservaChange)>> {
    let (posto_id, inicio, fim) =
        (prop::option::of(1i64..3), prop::option::of(-5i64..60), prop::option::of(-5i64..80));
    let change =
        (posto_id, inicio, fim).prop_map(|(posto_id, inicio, fim)| to(posto_id, inicio, fim));
    prop::collection::vec((0usize..4, change), 1..40)
}

proptest! {
    /// Whatever is asked: no moment of a posto is held twice from now on, a reserva that is not changed is what
    /// it was, and one that is changed holds what was asked for, wholly.
    #[test]
    fn no_sequence_of_changes_holds_a_moment_twice(asked in changes()) {
        let plates = ["AAA1111", "BBB2222", "CCC3333", "DDD4444"];
        let mut reservas: Vec<Reserva> = (0..).zip(plates).map(|(number, plate)| Reserva {
            id: number,
            posto_id: 1 + number % 2,
            placa: placa(plate),
            ..reserva(10 * number - 5, 10 * number + 5)
        }).collect();
        for (index, change) in asked {
            let wanted = change.posto_of(&reservas[index]);
            let held: Vec<Holding> = reservas.iter().filter(|one| one.posto_id == wanted)
                .map(|one| Holding { placa: Some(one.placa.clone()), interval: one.facts.interval })
                .collect();
            let before = reservas[index].clone();
            match decide(&before, &change, &posto(), &held) {
                Ok(Effect::Now(changed)) => {
                    prop_assert_eq!(changed.posto_id, wanted);
                    let (from, until) =
                        (changed.facts.interval.inicio(), changed.facts.interval.fim());
                    let agreed = before.facts.interval;
                    prop_assert_eq!(until, change.fim.unwrap_or(agreed.fim()));
                    let asked = change.inicio.unwrap_or(agreed.inicio());
                    prop_assert!(from == asked || from == NOW && asked < NOW, "{:?}", change);
                    reservas[index].posto_id = changed.posto_id;
                    reservas[index].facts = changed.facts;
                }
                Ok(Effect::Already(same)) => prop_assert_eq!(same.facts, before.facts),
                Err(_) => {}
            }
            for posto_id in 1..3 {
                for moment in 0..90 {
                    let holders = reservas.iter().filter(|one| {
                        one.posto_id == posto_id
                            && one.facts.interval.contains(NOW.plus_millis(moment))
                    });
                    prop_assert!(holders.count() <= 1, "posto {} at {}", posto_id, moment);
                }
            }
        }
    }
}
