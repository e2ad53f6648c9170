use super::*;

const ALL: &str = "pontos/+/status";
const ONE: &str = "pontos/5/status";

fn payload(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn listen(table: &mut OnDemand, filter: &str, capacity: usize) -> Subscription {
    table.add(filter, capacity, |_| {})
}

/// What is sent: with `+` what is subscribed to, with `-` what is ended.
fn sent(table: &mut OnDemand) -> Vec<String> {
    let Some(steps) = table.take_steps() else { return Vec::new() };
    let subscribe = steps.subscribe.into_iter().map(|filter| format!("+{filter}"));
    let unsubscribe = steps.unsubscribe.into_iter().map(|filter| format!("-{filter}"));
    subscribe.chain(unsubscribe).collect()
}

fn subscribed(table: &mut OnDemand, filter: &str) {
    table.subscribed(&[filter.to_owned()]);
}

/// All that can be read without waiting: messages, and `gap`.
fn received(subscription: &mut Subscription) -> Vec<String> {
    use futures_util::FutureExt as _;
    let mut received = Vec::new();
    while let Some(Some(next)) = subscription.next().now_or_never() {
        received.push(match next {
            Received::Gap => "gap".to_owned(),
            Received::Message(_, payload) => String::from_utf8_lossy(&payload).into_owned(),
        });
    }
    received
}

#[test]
fn a_filter_is_at_the_broker_from_the_first_who_listens_to_the_last() {
    let mut table = OnDemand::default();
    table.begin_connection(false);
    assert_eq!(sent(&mut table), [""; 0]);
    let mut first = listen(&mut table, ALL, 9);
    assert_eq!(sent(&mut table), [format!("+{ALL}")]);
    let mut second = listen(&mut table, ALL, 9);
    assert_eq!(sent(&mut table), [""; 0], "it is on its way");
    assert_eq!(received(&mut second), [""; 0], "it is not in force yet");
    subscribed(&mut table, ALL);
    let mut third = listen(&mut table, ALL, 9);
    assert!(!table.deliver(ONE, ALL, &payload("1")));
    for listener in [&mut first, &mut second] {
        assert_eq!(received(listener), ["gap"], "and the state that is asked for now has the rest");
    }
    assert_eq!(received(&mut third), ["gap"]);
    table.deliver(ONE, ALL, &payload("2"));
    assert_eq!(received(&mut first), ["2"]);
    table.remove(ALL, 0);
    table.remove(ALL, 1);
    assert_eq!(sent(&mut table), [""; 0]);
    table.deliver(ONE, ALL, &payload("3"));
    assert_eq!(
        (received(&mut first), received(&mut third)),
        (vec![], vec!["2".into(), "3".into()])
    );
    table.remove(ALL, 2);
    assert_eq!(sent(&mut table), [format!("-{ALL}")]);
    assert!(!table.deliver(ONE, ALL, &payload("late")));
    assert_eq!(sent(&mut table), [""; 0], "it is on its way");
    table.unsubscribed(&[ALL.to_owned()]);
    assert_eq!(sent(&mut table), [""; 0]);
    assert!(table.filters.is_empty());
}

#[test]
fn a_message_that_comes_late_is_no_subscription_for_the_next_who_listens() {
    let mut table = OnDemand::default();
    table.begin_connection(true);
    assert!(table.deliver(ONE, ALL, &payload("late")), "neither filter is known");
    let mut listener = listen(&mut table, ALL, 1);
    assert_eq!(sent(&mut table), [format!("+{ALL}"), format!("-{ONE}")]);
    assert_eq!(received(&mut listener), [""; 0], "it is not in force yet");
    subscribed(&mut table, ALL);
    assert_eq!(received(&mut listener), ["gap"]);
}

#[test]
fn who_comes_and_goes_while_an_answer_is_awaited_is_settled_after_it() {
    let mut table = OnDemand::default();
    table.begin_connection(false);
    let _first = listen(&mut table, ONE, 1);
    assert_eq!(sent(&mut table), [format!("+{ONE}")]);
    table.remove(ONE, 0);
    assert_eq!(sent(&mut table), [""; 0]);
    subscribed(&mut table, ONE);
    assert_eq!(sent(&mut table), [format!("-{ONE}")]);
    let mut second = listen(&mut table, ONE, 1);
    assert_eq!((sent(&mut table), received(&mut second)), (vec![], vec![]));
    table.unsubscribed(&[ONE.to_owned()]);
    assert_eq!(sent(&mut table), [format!("+{ONE}")]);
    subscribed(&mut table, ONE);
    assert_eq!(received(&mut second), ["gap"]);
}

#[test]
fn a_connection_begins_with_what_is_listened_to_and_ends_the_rest() {
    for session_present in [true, false] {
        let mut table = OnDemand::default();
        let _never_sent = listen(&mut table, "pontos/1/status", 1);
        table.remove("pontos/1/status", 0);
        assert!(
            table.filters.is_empty() && table.unsettled.is_empty(),
            "the broker has never had it"
        );
        let mut stays = listen(&mut table, ALL, 1);
        let _leaves = listen(&mut table, ONE, 1);
        table.begin_connection(false);
        assert_eq!(sent(&mut table).len(), 2);
        table.subscribed(&[ALL.to_owned(), ONE.to_owned()]);
        assert_eq!(received(&mut stays), ["gap"]);
        // The connection is lost.
        table.remove(ONE, 2);
        table.begin_connection(session_present);
        let mut expected = vec![format!("+{ALL}")];
        if session_present {
            expected.push(format!("-{ONE}"));
        }
        assert_eq!(sent(&mut table), expected);
        subscribed(&mut table, ALL);
        assert_eq!(received(&mut stays), ["gap"], "something may have been published meanwhile");
    }
}

#[test]
fn who_does_not_read_misses_messages_and_gets_a_gap() {
    let mut table = OnDemand::default();
    table.begin_connection(false);
    let (mut slow, mut quick) = (listen(&mut table, ALL, 2), listen(&mut table, ALL, 9));
    sent(&mut table);
    subscribed(&mut table, ALL);
    assert_eq!(
        (received(&mut slow), received(&mut quick)),
        (vec!["gap".into()], vec!["gap".into()])
    );
    for text in ["1", "2", "3"] {
        table.deliver(ONE, ALL, &payload(text));
    }
    table.deliver("pontos/6/status", ALL, &payload("4"));
    assert_eq!(
        received(&mut slow),
        ["gap"],
        "older messages would contradict what is asked for now"
    );
    assert_eq!(received(&mut quick), ["1", "2", "3", "4"]);
    table.deliver(ONE, ALL, &payload("5"));
    assert_eq!(received(&mut slow), ["5"]);
}

#[test]
fn a_subscription_of_an_earlier_run_is_ended_when_it_is_noticed() {
    let mut table = OnDemand::default();
    table.begin_connection(true);
    assert!(table.deliver(ONE, ALL, &payload("1")));
    assert!(!table.deliver(ONE, ALL, &payload("2")), "it is ended already");
    assert_eq!(sent(&mut table), [format!("-{ALL}"), format!("-{ONE}")]);
    table.unsubscribed(&[ALL.to_owned(), ONE.to_owned()]);
    assert_eq!(sent(&mut table), [""; 0]);
    assert!(table.filters.is_empty());
}

#[test]
fn when_the_bus_ends_so_do_subscriptions() {
    use futures_util::FutureExt as _;
    let mut table = OnDemand::default();
    let mut before = listen(&mut table, ALL, 1);
    table.close();
    let mut after = listen(&mut table, ALL, 1);
    for listener in [&mut before, &mut after] {
        assert_eq!(listener.next().now_or_never(), Some(None));
    }
    assert!(table.take_steps().is_none());
}

#[test]
fn many_filters_are_sent_in_several_packets() {
    let mut table = OnDemand::default();
    table.begin_connection(false);
    let _listeners: Vec<_> =
        (0..600).map(|id| listen(&mut table, &format!("reservas/{id}/status"), 1)).collect();
    let packets: Vec<_> =
        std::iter::from_fn(|| table.take_steps().map(|steps| steps.subscribe.len())).collect();
    assert_eq!(packets, [256, 256, 88]);
}

#[test]
fn topics_match_as_mqtt_says() {
    for (filter, topic, expected) in [
        (ALL, ONE, true),
        (ALL, ALL, true),
        (ALL, "pontos/status", false),
        (ALL, "pontos/5/x/status", false),
        (ALL, "pontos/5/status/x", false),
        ("a/#", "a", true),
        ("a/#", "a/b/c", true),
        ("a/#", "b/a", false),
        ("a/b", "a/b", true),
        ("a/b", "a", false),
        ("a", "a/b", false),
    ] {
        assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
    }
}
