//! What is not changed, and why.

use super::*;

#[test]
fn what_has_ended_is_not_changed_and_of_what_is_charged_only_the_end() {
    let at = |state| {
        let reserva = reserva(-10, 20);
        Reserva { facts: ReservaFacts { state, ..reserva.facts }, ..reserva }
    };
    let charging = PostoFacts { charging: Some(placa("ABC1234")), ..posto() };
    let with = |reserva: &Reserva, change| {
        let decided = decide(reserva, &change, &charging, &[]);
        decided.map(|effect| matches!(effect, Effect::Now(_)))
    };
    let longer = || to(None, None, Some(30));
    for state in [ReservaState::Cancelada, ReservaState::NaoCompareceu] {
        assert_eq!(with(&at(state), longer()), Err(Rejection::ReservaEncerrada), "{state:?}");
        // Also where nothing would change.
        let same = to(None, None, Some(20));
        assert_eq!(with(&at(state), same), Err(Rejection::ReservaEncerrada), "{state:?}");
    }
    let cumprida = at(ReservaState::Cumprida);
    assert_eq!(with(&cumprida, longer()), Ok(true));
    assert_eq!(with(&cumprida, to(Some(5), Some(-10), Some(1))), Ok(true));
    assert_eq!(with(&cumprida, to(None, None, Some(20))), Ok(false));
    assert_eq!(with(&cumprida, to(Some(6), None, None)), Err(Rejection::ReservaEmUso));
    assert_eq!(with(&cumprida, to(None, Some(5), None)), Err(Rejection::ReservaEmUso));
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    assert_eq!(with(&cumprida, to(None, None, Some(-1))), Err(past));
    let mut left = cumprida.clone();
    left.facts.livre_desde = Some(NOW.plus_millis(-1));
    assert_eq!(with(&left, longer()), Err(Rejection::ReservaEncerrada), "its carro has left");
    let mut overstays = cumprida;
    overstays.facts.interval = interval(-10, 0);
    assert_eq!(with(&overstays, longer()), Err(Rejection::ReservaEncerrada));
    let mut absent = at(ReservaState::Ativa);
    absent.facts.falta_em = Some(NOW);
    assert_eq!(with(&absent, longer()), Err(Rejection::ReservaEncerrada), "its absence is due");
    absent.facts.falta_em = Some(NOW.plus_millis(1));
    assert_eq!(with(&absent, longer()), Ok(true));
    assert_eq!(with(&reserva(-10, 0), longer()), Err(Rejection::ReservaEncerrada));
    // A recorded end is not believed before its time.
    assert_eq!(with(&at(ReservaState::Encerrada), longer()), Ok(true));
}

#[test]
fn refusals_are_those_of_a_reservation_in_their_order() {
    let nome = || "Ponto".to_owned();
    let reserva = reserva(-10, 20);
    let other = [holding("XYZ9876", 15, 30)];
    let mine_too = [holding("XYZ9876", 15, 30), holding("ABC1234", 5, 8)];
    let repair = PostoFacts { service: Service::Maintenance, ..posto() };
    let out = PostoFacts { service: Service::OutOfService, ..posto() };
    let charging = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
    let busy = PostoFacts { service: Service::Maintenance, ..charging.clone() };
    let wrong = to(Some(6), Some(5), None);
    let (moved, longer) = (to(Some(6), None, None), to(None, None, Some(30)));
    let inexistente = Rejection::PostoInexistente { posto_id: 6, server_id: "server1".to_owned() };
    let begun = Rejection::Interval(vec![IntervalError::InicioBegun]);
    let decide = |change, posto: Option<&PostoFacts>, held| {
        decide_alteracao(&reserva, change, "server1", posto, held, &Rules::default(), NOW)
            .map(|_| ())
    };
    for (change, posto, held, expected) in [
        (&wrong, None, &mine_too[..], inexistente),
        (&wrong, Some(&busy), &mine_too, begun),
        (&moved, Some(&repair), &mine_too, Rejection::PostoEmManutencao { nome: nome() }),
        (&moved, Some(&out), &mine_too, Rejection::PostoIndisponivel { nome: nome() }),
        (
            &moved,
            Some(&charging),
            &mine_too,
            Rejection::PostoJaReservadoParaEsteCarro { nome: nome() },
        ),
        (&moved, Some(&charging), &other, Rejection::PostoReservado { nome: nome() }),
        (&moved, Some(&charging), &[], Rejection::PostoOcupado { nome: nome() }),
    ] {
        assert_eq!(decide(change, posto, held), Err(expected), "{change:?}");
    }
    // Another holding of its carro that ends with it is not its own.
    let same_end = [holding("ABC1234", -10, 20)];
    assert!(decide(&moved, Some(&posto()), &same_end).is_err());
    assert!(decide(&longer, Some(&posto()), &same_end).is_ok());
    // What held the other posto before is in nobody's way.
    let before = [holding("XYZ9876", -20, 0), holding("XYZ9876", 20, 30)];
    assert!(decide(&moved, Some(&posto()), &before).is_ok());
    assert!(decide(&moved, Some(&posto()), &[holding("XYZ9876", -20, 1)]).is_err());
}

#[test]
fn who_only_gives_back_time_is_not_refused() {
    let (begun, future) = (reserva(-10, 20), reserva(10, 20));
    let overstayed = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
    let broken = PostoFacts { service: Service::Maintenance, ..overstayed.clone() };
    let with = |reserva, change, posto| {
        decide(reserva, &change, posto, &[]).map(|effect| matches!(effect, Effect::Now(_)))
    };
    for posto in [&overstayed, &broken] {
        assert_eq!(with(&begun, to(None, None, Some(1)), posto), Ok(true));
        assert_eq!(with(&begun, to(Some(5), Some(-10), Some(19)), posto), Ok(true));
        assert_eq!(with(&future, to(None, Some(12), Some(18)), posto), Ok(true));
        assert_eq!(with(&future, to(None, Some(12), None), posto), Ok(true));
    }
    let occupied = Rejection::PostoOcupado { nome: "Ponto".to_owned() };
    assert_eq!(with(&begun, to(None, None, Some(21)), &overstayed), Err(occupied));
    let out = Rejection::PostoEmManutencao { nome: "Ponto".to_owned() };
    for change in
        [to(None, None, Some(21)), to(None, Some(9), Some(12)), to(Some(6), Some(12), None)]
    {
        assert_eq!(with(&future, change, &broken), Err(out.clone()), "{change:?}");
    }
    // Nothing is given back that would be nothing: the end is still to come.
    let past = Rejection::Interval(vec![IntervalError::FimInPast]);
    assert_eq!(with(&begun, to(None, None, Some(0)), &broken), Err(past));
}
