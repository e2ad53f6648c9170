use std::sync::Arc;

use super::*;

fn presence() -> Presence {
    Presence {
        topic: "p".to_owned(),
        birth: Arc::new(|since| format!("birth {since}").into_bytes()),
        will: Arc::new(|since| format!("will {since}").into_bytes()),
    }
}

const FOREIGN: Bytes = Bytes::from_static(b"will of another program");

#[test]
fn a_late_will_is_contradicted_at_once_and_then_at_intervals() {
    let mut history = PresenceHistory::default();
    let older = PresencePublisher::new(&presence(), Timestamp::clamped(1_000), &mut history);
    let own_will = older.offline;
    let mut publisher =
        PresencePublisher::new(&presence(), Timestamp::clamped(2_000), &mut history);
    let start = Instant::now();

    assert_eq!(publisher.observe(&FOREIGN, false), Observed::Expected, "not published yet");
    let birth = publisher.first_birth();
    assert_eq!(publisher.observe(&FOREIGN, true), Observed::Expected, "retained from before");
    assert_eq!(publisher.repeated_birth(start), None);
    assert_eq!(publisher.observe(&birth, false), Observed::Expected);
    assert_eq!(publisher.repeated_birth(start), None);
    assert_eq!(publisher.observe(&own_will, false), Observed::OwnWill);
    assert_eq!(publisher.repeated_birth(start), Some(birth.clone()));
    assert_eq!(publisher.observe(&publisher.offline.clone(), false), Observed::OwnWill);
    assert_eq!(publisher.observe(&FOREIGN, false), Observed::Foreign);
    assert_eq!(publisher.observe(&FOREIGN, false), Observed::ForeignAgain);
    assert_eq!(publisher.repeated_birth(start), None);
    assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL), Some(birth));
    assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL * 2), None);
}

#[test]
fn a_presence_of_another_program_is_noticed_once_a_birth_was_delivered() {
    let mut history = PresenceHistory::default();
    let mut has_predecessor = |seconds: i64, retained: &[u8], delivers: bool| {
        let since = Timestamp::clamped(seconds * 1_000);
        let mut publisher = PresencePublisher::new(&presence(), since, &mut history);
        publisher.observe(&Bytes::copy_from_slice(retained), true);
        let birth = publisher.first_birth();
        if delivers {
            publisher.observe(&birth, false);
        }
        publisher.has_predecessor
    };
    assert!(!has_predecessor(1, b"of the run before", false));
    assert!(!has_predecessor(2, b"of the run before", true));
    let own_will = (presence().will)(Timestamp::clamped(1_000));
    assert!(!has_predecessor(3, &own_will, true));
    assert!(!has_predecessor(4, b"", true), "nothing is retained");
    assert!(has_predecessor(5, b"of another program", true));
}

#[test]
fn a_birth_that_is_refused_or_not_delivered_is_a_problem() {
    let mut history = PresenceHistory::default();
    let mut publisher =
        PresencePublisher::new(&presence(), Timestamp::clamped(1_000), &mut history);
    let birth = publisher.first_birth();
    let start = Instant::now();
    assert_eq!(publisher.changed_problem(), None);
    publisher.answered(ReasonCode::NOT_AUTHORIZED, start);
    let problem = publisher.changed_problem().flatten().expect("it is reported");
    assert!(problem.contains("not authorized") && problem.contains(" p,"), "{problem}");
    assert_eq!(publisher.changed_problem(), None, "it is reported once");
    assert_eq!(publisher.repeated_birth(start), None);
    assert_eq!(publisher.repeated_birth(start + REPEAT_INTERVAL), Some(birth.clone()));

    publisher.answered(ReasonCode::SUCCESS, start);
    publisher.check_delivery(start + DELIVERY_LIMIT);
    assert_eq!(publisher.changed_problem(), Some(None));
    publisher.check_delivery(start + DELIVERY_LIMIT * 2);
    let problem = publisher.changed_problem().flatten().expect("it is reported");
    assert!(problem.contains("does not deliver it"), "{problem}");
    publisher.observe(&birth, false);
    publisher.check_delivery(start + DELIVERY_LIMIT * 3);
    assert_eq!(publisher.changed_problem(), Some(None));
}
