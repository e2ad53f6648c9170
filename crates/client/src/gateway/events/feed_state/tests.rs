use futures_util::FutureExt as _;
use protocol::{ServerState, Timestamp};

use super::super::feed_queue::MAX_EVENTS;
use super::*;

fn server_id() -> ServerId {
    "server1".parse().unwrap()
}

fn servidor(status: ServerState, desde: i64) -> Servidor {
    let desde = Timestamp::from_millis(desde).unwrap();
    Servidor { server_id: server_id(), status, desde }
}

fn listed(disponivel: bool) -> Postos {
    let posto = format!(r#"{{"id":5,"disponivel":{disponivel},"em_manutencao":false}}"#);
    let body = format!(r#"{{"request_id":"q","versao":"v","postos":[{posto}]}}"#);
    Postos::read(body.as_bytes(), &server_id()).expect("a list")
}

fn status(ponto_id: i64, disponivel: bool) -> PontoStatus {
    let timestamp = Timestamp::from_millis(0).unwrap();
    PontoStatus { server_id: server_id(), ponto_id, disponivel, em_manutencao: false, timestamp }
}

/// With one servidor whose posto is free.
fn feed_state() -> FeedState {
    let state = FeedState::default();
    assert_eq!(state.take_servidores(vec![servidor(ServerState::Online, 1)], true), [server_id()]);
    assert!(state.begin_listing(&server_id()));
    assert!(!state.take_listed(&server_id(), listed(true)));
    state
}

/// What a reader can read without waiting: the name of each event and whether the posto is free.
fn read(reader: &mut Reader, state: &FeedState) -> Vec<String> {
    let dropped = Counter::default();
    let next = || reader.next(state, &dropped).now_or_never();
    let name_and_state = |event: Bytes| {
        let text = String::from_utf8(event.to_vec()).unwrap();
        let name = text.lines().next().and_then(|line| line.strip_prefix("event: "));
        let free = text.contains(r#""disponivel":true"#);
        let busy = text.contains(r#""disponivel":false"#);
        let state = if free {
            " free"
        } else if busy {
            " busy"
        } else {
            ""
        };
        format!("{}{state}", name.unwrap_or_default())
    };
    std::iter::from_fn(next).map(name_and_state).collect()
}

#[test]
fn an_event_that_comes_before_the_list_is_later_than_the_list() {
    let state = feed_state();
    let mut reader = state.reader();
    assert_eq!(read(&mut reader, &state), ["estado free"]);
    assert!(state.begin_listing(&server_id()));
    assert!(!state.take_posto(status(5, false)));
    assert_eq!(read(&mut reader, &state), ["posto busy"], "at once");
    assert!(!state.take_listed(&server_id(), listed(true)));
    assert_eq!(read(&mut reader, &state), [""; 0], "the list was written before");
    assert_eq!(read(&mut state.reader(), &state), ["estado free", "posto busy"]);
    // What was missed is in the list.
    assert!(state.begin_listing(&server_id()));
    assert!(!state.take_listed(&server_id(), listed(true)));
    assert_eq!(read(&mut reader, &state), ["estado free"]);
}

#[test]
fn a_new_posto_is_asked_for() {
    let state = feed_state();
    assert!(state.take_posto(status(6, true)));
    assert!(state.begin_listing(&server_id()));
    assert!(!state.take_posto(status(6, true)), "it may be in the list that is on its way");
    assert!(state.take_listed(&server_id(), listed(true)), "it is not");
}

#[test]
fn a_servidor_that_goes_and_returns_is_listed_again() {
    let state = feed_state();
    let mut reader = state.reader();
    read(&mut reader, &state);
    let online = vec![servidor(ServerState::Online, 1)];
    assert_eq!(state.take_servidores(online, false), []);
    assert_eq!(read(&mut reader, &state), [""; 0]);
    for (status, desde, to_list) in [
        (ServerState::Offline, 2, vec![]),
        (ServerState::Online, 3, vec![server_id()]),
        // It restarted, and nobody saw it go.
        (ServerState::Online, 4, vec![server_id()]),
    ] {
        assert_eq!(state.take_servidores(vec![servidor(status, desde)], false), to_list);
        assert_eq!(read(&mut reader, &state), ["servidor"]);
    }
    assert!(state.begin_listing(&server_id()));
    state.take_listed(&server_id(), listed(true));
    assert_eq!(read(&mut reader, &state), ["estado free"]);
    state.take_servidores(Vec::new(), false);
    assert_eq!(read(&mut reader, &state), ["servidor"], "an operator removed it");
    assert!(!state.begin_listing(&server_id()) && state.online().is_empty());
    assert!(!state.take_listed(&server_id(), listed(true)));
    assert_eq!(read(&mut state.reader(), &state), [""; 0]);
}

/// A reader that has missed events: more came than are kept for it.
fn slow_reader(state: &FeedState) -> Reader {
    let mut slow = state.reader();
    assert_eq!(read(&mut slow, state), ["estado free"]);
    for number in 0..=MAX_EVENTS {
        state.take_posto(status(5, number % 2 == 1));
    }
    slow
}

#[test]
fn a_reader_that_is_too_slow_is_sent_the_whole_state() {
    let state = feed_state();
    let mut slow = slow_reader(&state);
    assert_eq!(read(&mut slow, &state), ["estado free", "posto busy"]);
    state.take_posto(status(5, true));
    assert_eq!(read(&mut slow, &state), ["posto free"]);
}

#[test]
fn a_reader_that_is_too_slow_learns_that_a_servidor_was_removed() {
    let state = feed_state();
    let mut slow = slow_reader(&state);
    // As an operator does it: it is stopped first.
    state.take_servidores(vec![servidor(ServerState::Offline, 2)], false);
    state.take_servidores(Vec::new(), false);
    assert_eq!(read(&mut slow, &state), ["servidor"]);
    assert_eq!(read(&mut state.reader(), &state), [""; 0], "a new one never knew it");
    state.take_servidores(vec![servidor(ServerState::Online, 9)], false);
    assert_eq!(read(&mut state.reader_again(), &state), [""; 0], "it is there again");
}

#[test]
fn a_servidor_goes_once_and_each_return_is_an_event() {
    let state = feed_state();
    let mut reader = state.reader();
    assert_eq!(read(&mut reader, &state), ["estado free"]);
    for (status, desde, events) in [
        (ServerState::Offline, 1, 1),
        (ServerState::Offline, 7, 0),
        (ServerState::Online, 8, 1),
        (ServerState::Online, 8, 0),
        (ServerState::Online, 9, 1),
    ] {
        let to_list = state.take_servidores(vec![servidor(status, desde)], false);
        let is_back = events == 1 && status == ServerState::Online;
        assert_eq!(to_list.len(), usize::from(is_back), "{status:?} since {desde}");
        let sent = read(&mut reader, &state);
        assert_eq!(sent, vec!["servidor"; events], "{status:?} since {desde}");
    }
}

#[test]
fn a_servidor_whose_list_does_not_come_is_known_all_the_same() {
    let state = FeedState::default();
    let mut reader = state.reader();
    assert_eq!(state.take_servidores(vec![servidor(ServerState::Online, 1)], true), [server_id()]);
    assert!(state.begin_listing(&server_id()));
    assert_eq!(read(&mut state.reader(), &state), [""; 0], "its list is on its way");
    state.list_failed(&server_id());
    state.list_failed(&server_id());
    assert_eq!(read(&mut reader, &state), ["servidor"], "once");
    assert_eq!(read(&mut state.reader(), &state), ["servidor"]);
    assert!(state.begin_listing(&server_id()));
    assert!(!state.take_listed(&server_id(), listed(true)));
    state.list_failed(&server_id());
    assert_eq!(read(&mut reader, &state), ["estado free"]);
    assert_eq!(read(&mut state.reader(), &state), ["estado free"]);
}
