use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn presence(id: &str, status: ServerState, desde: i64) -> ServerPresence {
    ServerPresence {
        server_id: id.parse().unwrap(),
        status,
        desde: at(desde),
        versao: "0".to_owned(),
        entrega: vec![Entrega::Difusao],
    }
}

/// A connection that has just come up.
fn on(generation: u64) -> Option<(u64, Duration)> {
    Some((generation, Duration::ZERO))
}

#[test]
fn a_servidor_that_is_removed_is_forgotten() {
    let directory = Directory::default();
    let id: ServerId = "ghost".parse().unwrap();
    for status in [ServerState::Online, ServerState::Offline] {
        directory.observe(presence("ghost", status, 5), 1, at(99));
        assert!(directory.forget("ghost"));
        assert_eq!((directory.list(on(1)), directory.get(&id, 1)), (vec![], None));
        assert!(!directory.forget("ghost"));
    }
}

#[test]
fn a_servidor_that_was_removed_meanwhile_is_forgotten_after_a_while() {
    let directory = Directory::default();
    directory.observe(presence("stays", ServerState::Offline, 5), 1, at(99));
    directory.observe(presence("ghost", ServerState::Online, 5), 1, at(99));
    directory.observe(presence("stays", ServerState::Offline, 5), 2, at(99));
    let ids = |connection| {
        let known = directory.list(connection).into_iter();
        known.map(|one| one.server_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(None), ["ghost", "stays"]);
    assert_eq!(ids(Some((2, KEPT_FOR))), ["ghost", "stays"]);
    assert_eq!(ids(Some((2, KEPT_FOR + Duration::from_millis(1)))), ["stays"]);
    assert_eq!(ids(None), ["stays"]);
}

#[test]
fn a_servidor_is_offline_since_it_says_so_or_since_it_was_seen_to_go() {
    use ServerState::{Offline, Online};
    let since = |seen: &[(ServerState, i64, u64, i64)]| {
        let directory = Directory::default();
        for (status, desde, generation, now) in seen {
            directory.observe(presence("s", *status, *desde), *generation, at(*now));
        }
        directory.list(on(seen[seen.len() - 1].2))[0].desde
    };
    assert_eq!(since(&[(Online, 10, 1, 11), (Offline, 40, 1, 41)]), at(40), "it was stopped");
    assert_eq!(since(&[(Online, 10, 1, 11), (Offline, 10, 1, 41)]), at(41), "a Last Will");
    assert_eq!(since(&[(Offline, 40, 1, 99)]), at(40), "before this gateway began");
    assert_eq!(since(&[(Online, 10, 1, 11), (Offline, 40, 2, 99)]), at(40), "meanwhile");
    let came_and_went = [(Online, 10, 1, 11), (Offline, 10, 1, 41), (Offline, 80, 2, 99)];
    assert_eq!(since(&came_and_went), at(80), "it has returned and was stopped again");
    let again = [(Online, 10, 1, 11), (Offline, 10, 1, 41), (Offline, 10, 2, 99)];
    assert_eq!(since(&again), at(41), "the retained Last Will says nothing new");
}

#[test]
fn follows_connections_in_order_and_ignores_a_late_will() {
    use ServerState::{Offline, Online};
    let directory = Directory::default();
    let steps = [
        (Online, 10, Change::Online, Online),
        (Online, 10, Change::Unchanged, Online),
        (Online, 20, Change::Online, Online),
        (Offline, 10, Change::Unchanged, Online),
        (Offline, 20, Change::Offline, Offline),
        (Offline, 20, Change::Unchanged, Offline),
        (Online, 20, Change::Online, Online),
        (Offline, 30, Change::Offline, Offline),
        (Online, 40, Change::Online, Online),
        // Its clock was set back.
        (Online, 35, Change::Online, Online),
        (Offline, 35, Change::Offline, Offline),
    ];
    for (step, (status, desde, change, after)) in steps.into_iter().enumerate() {
        let seen = directory.observe(presence("server1", status, desde), 1, at(99));
        assert_eq!(seen, change, "step {step}");
        let known = directory.get(&"server1".parse().unwrap(), 1).unwrap();
        assert_eq!(known.status, after, "step {step}");
    }
}

#[test]
fn a_servidor_first_seen_offline_is_known_and_unchanged() {
    let directory = Directory::default();
    let change = directory.observe(presence("b", ServerState::Offline, 5), 1, at(99));
    assert_eq!(change, Change::Unchanged);
    directory.observe(presence("a", ServerState::Online, 5), 1, at(99));
    let ids: Vec<_> = directory.list(on(1)).into_iter().map(|one| one.server_id).collect();
    assert_eq!(ids, ["a".parse().unwrap(), "b".parse().unwrap()]);
    assert_eq!(directory.get(&"c".parse().unwrap(), 1), None);
}

#[test]
fn a_servidor_that_went_offline_is_offline_since_then() {
    let directory = Directory::default();
    let desde = || directory.list(on(1))[0].desde;
    directory.observe(presence("a", ServerState::Online, 5), 1, at(6));
    assert_eq!(desde(), at(5));
    directory.observe(presence("a", ServerState::Offline, 5), 1, at(70));
    directory.observe(presence("a", ServerState::Offline, 5), 1, at(80));
    assert_eq!(desde(), at(70), "a will cannot tell when it was published");
    directory.observe(presence("a", ServerState::Online, 90), 1, at(91));
    assert_eq!(desde(), at(90));
}

#[test]
fn a_presence_of_one_connection_is_not_valid_on_the_next() {
    let directory = Directory::default();
    let id = "a".parse().unwrap();
    directory.observe(presence("a", ServerState::Online, 5), 1, at(99));
    assert!(directory.get(&id, 1).is_some());
    assert_eq!(directory.get(&id, 2), None);
    for connection in [None, on(2)] {
        assert_eq!(directory.list(connection)[0].status, ServerState::Offline);
    }
    directory.observe(presence("a", ServerState::Online, 5), 2, at(99));
    assert!(directory.get(&id, 2).is_some());
}

#[test]
fn of_too_many_servidores_those_that_are_offline_are_forgotten() {
    use ServerState::{Offline, Online};
    let directory = Directory::default();
    let observe = |id: &str, status| directory.observe(presence(id, status, 5), 1, at(99));
    observe("offline", Offline);
    for number in 1..MAX_SERVERS {
        observe(&format!("s{number}"), Online);
    }
    assert_eq!(observe("new", Online), Change::Online);
    assert_eq!(observe("newer", Online), Change::Unchanged, "all are online");
    assert_eq!(observe("new", Offline), Change::Offline);
    assert_eq!(observe("newer", Online), Change::Online);
    let known = directory.list(on(1));
    assert_eq!(known.len(), MAX_SERVERS);
    assert!(known.iter().all(|one| one.status == Online));
}
