use super::*;

fn at(millis: i64) -> Moment {
    Moment::from_millis(millis)
}

fn facts(state: ReservaState) -> ReservaFacts {
    let interval = Interval::new(at(100), at(200)).expect("not empty");
    let price = Price::new(2.5).expect("a price");
    ReservaFacts { state, ..ReservaFacts::new(interval, price, Duration::ZERO, None, at(50)) }
}

#[test]
fn every_word_is_read() {
    for state in ReservaState::ALL {
        assert_eq!(ReservaState::parse(state.as_str()), Ok(*state));
    }
    for motivo in Motivo::ALL {
        assert_eq!(Motivo::parse(motivo.as_str()), Ok(*motivo));
    }
    for aviso in Aviso::ALL {
        assert_eq!(Aviso::parse(aviso.as_str()), Ok(*aviso));
    }
    assert!(ReservaState::parse("nova").is_err());
}

#[test]
fn an_end_counts_by_the_clock_alone() {
    for recorded in [ReservaState::Ativa, ReservaState::Encerrada] {
        let before = facts(recorded).at(at(199));
        assert_eq!((before.state, before.desde), (ReservaState::Ativa, at(50)));
        assert!(facts(recorded).holds_at(at(199)));
        let after = facts(recorded).at(at(200));
        assert_eq!((after.state, after.desde), (ReservaState::Encerrada, at(200)));
        assert!(!facts(recorded).holds_at(at(200)));
    }
    assert_eq!(facts(ReservaState::Ativa).at(at(200)).versao, 2, "its end is published");
    assert_eq!(facts(ReservaState::Encerrada).at(at(200)).versao, 1, "it was published");
}

#[test]
fn an_absence_counts_from_its_instant() {
    for recorded in [ReservaState::Ativa, ReservaState::Encerrada] {
        let waits = ReservaFacts { falta_em: Some(at(115)), ..facts(recorded) };
        assert!(waits.holds_at(at(114)));
        assert!(!waits.holds_at(at(115)));
        for now in [115, 300] {
            let absent = waits.at(at(now));
            assert_eq!(absent.state, ReservaState::NaoCompareceu);
            assert_eq!((absent.desde, absent.motivo), (at(115), Some(Motivo::Ausencia)));
            assert_eq!((absent.versao, absent.at(at(0))), (2, absent), "it is final");
        }
    }
}

#[test]
fn a_session_that_is_open_at_its_begin_fulfils_it() {
    for recorded in [ReservaState::Ativa, ReservaState::Encerrada] {
        let warned = Some(Aviso::PostoLivre);
        let facts = ReservaFacts { in_session: true, aviso: warned, ..facts(recorded) };
        assert_eq!(facts.at(at(99)).state, ReservaState::Ativa);
        assert_eq!(facts.at(at(99)).aviso, warned);
        for now in [100, 199, 200, 300] {
            let fulfilled = facts.at(at(now));
            assert_eq!(fulfilled.state, ReservaState::Cumprida);
            assert_eq!((fulfilled.desde, fulfilled.versao), (at(100), 2));
            assert_eq!((fulfilled.aviso, fulfilled.at(at(0))), (None, fulfilled), "final");
            assert_eq!(facts.holds_at(at(now)), now < 200);
        }
    }
}

#[test]
fn the_end_of_a_session_frees_what_is_left() {
    let fulfilled = facts(ReservaState::Ativa).fulfilled(at(120));
    assert_eq!((fulfilled.desde, fulfilled.state), (at(120), ReservaState::Cumprida));
    assert_eq!(facts(ReservaState::Ativa).fulfilled(at(20)).desde, at(100));
    let freed = fulfilled.freed(at(150));
    assert_eq!((freed.free_early(), freed.held_until()), (Some(at(150)), None));
    assert_eq!(freed.freed(at(160)), freed, "it was free before");
    let nothing_left = fulfilled.freed(at(200));
    assert_eq!((nothing_left.free_early(), nothing_left.held_until()), (None, None));
    for (state, is_open) in [
        (ReservaState::Ativa, true),
        (ReservaState::Encerrada, true),
        (ReservaState::Cumprida, false),
        (ReservaState::NaoCompareceu, false),
        (ReservaState::Cancelada, false),
    ] {
        assert_eq!(facts(state).is_open_to_session(at(300)), is_open, "{state:?}");
    }
}

#[test]
fn final_states_stay_and_hold_what_they_hold() {
    for (state, livre_desde, posto_desde, held) in [
        (ReservaState::Cancelada, None, None, None),
        (ReservaState::NaoCompareceu, None, None, None),
        (ReservaState::Cumprida, None, None, Some((100, 200))),
        (ReservaState::Cumprida, None, Some(50), Some((100, 200))),
        (ReservaState::Cumprida, None, Some(150), Some((150, 200))),
        (ReservaState::Cumprida, None, Some(200), None),
        // Its carro has left: it holds nothing, whatever a clock says that is set back.
        (ReservaState::Cumprida, Some(50), None, None),
        (ReservaState::Cumprida, Some(150), None, None),
        (ReservaState::Cumprida, Some(250), None, None),
    ] {
        let (livre_desde, posto_desde) = (livre_desde.map(at), posto_desde.map(at));
        let facts = ReservaFacts { livre_desde, posto_desde, ..facts(state) };
        for now in [0, 100, 149, 150, 199, 200, 300] {
            assert_eq!(facts.at(at(now)), facts, "{state:?}");
            let holds = held.is_some_and(|(from, until)| from <= now && now < until);
            assert_eq!(facts.holds_at(at(now)), holds, "{facts:?} {now}");
        }
        let times = facts.held().map(|held| (held.inicio(), held.fim()));
        assert_eq!(times, held.map(|(from, until)| (at(from), at(until))));
    }
}

#[test]
fn the_end_of_a_session_ends_what_its_carro_holds_whatever_the_clock_says() {
    let fulfilled = facts(ReservaState::Ativa).fulfilled(at(120));
    for (now, free_early, versao) in [
        (150, Some(at(150)), 3),
        // The clock was set back to before the begin.
        (20, Some(at(20)), 3),
        // Nothing is left, and nothing is published.
        (200, None, 2),
        (250, None, 2),
    ] {
        let left = decide_session_end(&fulfilled, at(now)).expect("it ends");
        assert_eq!((left.free_early(), left.versao), (free_early, versao), "{now}");
        for later in [0, 100, 150, 199] {
            assert!(!left.holds_at(at(later)) && left.is_over(at(later)), "{now} {later}");
        }
        assert_eq!(decide_session_end(&left, at(now)), None, "it has ended");
    }
    // One that is fulfilled by its session, though that is not recorded yet.
    let in_session = ReservaFacts { in_session: true, ..facts(ReservaState::Ativa) };
    let left = decide_session_end(&in_session, at(150)).expect("it ends");
    assert_eq!((left.state, left.desde, left.versao), (ReservaState::Cumprida, at(100), 3));
    assert_eq!(decide_session_end(&in_session, at(99)), None, "not begun");
    // It was not its session.
    assert_eq!(decide_session_end(&facts(ReservaState::Ativa), at(150)), None);
    for state in [ReservaState::Cancelada, ReservaState::NaoCompareceu, ReservaState::Encerrada] {
        assert_eq!(decide_session_end(&facts(state), at(250)), None, "{state:?}");
    }
}

#[test]
fn another_posto_is_held_from_the_move_on_and_nothing_of_the_old_one_stays() {
    let facts = ReservaFacts {
        in_session: true,
        falta_em: Some(at(130)),
        aviso: Some(Aviso::PostoOcupado),
        ..facts(ReservaState::Ativa)
    };
    let moved = facts.moved(at(120));
    assert_eq!((moved.state, moved.versao, moved.interval), (facts.state, 2, facts.interval));
    assert_eq!((moved.in_session, moved.falta_em, moved.aviso), (false, None, None));
    assert_eq!(moved.held().map(Interval::inicio), Some(at(120)));
    assert_eq!(facts.moved(at(20)).held().map(Interval::inicio), Some(at(100)));
    let fulfilled = moved.fulfilled_on_change(at(120));
    assert_eq!(
        (fulfilled.state, fulfilled.desde, fulfilled.versao),
        (ReservaState::Cumprida, at(120), 2)
    );
    assert_eq!(moved.fulfilled_on_change(at(99)), moved, "it has not begun");
    assert_eq!(moved.fulfilled_on_change(at(200)), moved, "it has ended");
}
