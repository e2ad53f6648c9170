//! What chargers say about themselves, and which of their messages count.

/// Whether a posto is in service, as its operator or its charger reports it: both words, because a later
/// report may leave one as it was. [`Service`](crate::Service) is what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedService {
    pub disponivel: bool,
    pub em_manutencao: bool,
}

/// Identifies the payload of a message: equal payloads have equal digests.
pub type PayloadDigest = [u8; 16];

/// A message of a charger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargerMessage {
    pub disponivel: bool,
    /// `None`: it is as it was.
    pub em_manutencao: Option<bool>,
    /// The message that the broker retains for this charger after this one; `None`: the same as
    /// before.
    pub retained: Option<PayloadDigest>,
    /// The broker sent it because it had retained it, so it may be of any age.
    pub replayed: bool,
}

impl ChargerMessage {
    /// Whether the message is newer than everything received from this charger. `retained`: the
    /// digest of the last message that the broker was known to retain.
    ///
    /// The servidor receives everything that is published while it has a session. So a replay that
    /// it knows is older than what it received later, and one that it does not know was published
    /// while it had no session, which is later than everything it received.
    pub fn is_newer(&self, retained: Option<PayloadDigest>) -> bool {
        !self.replayed || self.retained != retained
    }

    /// The state of the charger after a message that counts, if it was `before`.
    pub fn state_after(&self, before: Option<ReportedService>) -> ReportedService {
        let as_it_was = before.is_some_and(|state| state.em_manutencao);
        let em_manutencao = self.em_manutencao.unwrap_or(as_it_was);
        ReportedService { disponivel: self.disponivel, em_manutencao }
    }

    /// Adds the message to those of its charger that wait to be written, in order of arrival. They
    /// are merged as far as that changes nothing, and are three at most.
    pub fn join(mut self, waiting: &mut Vec<Self>) {
        let retained = waiting.iter().rev().find_map(|message| message.retained);
        if retained.is_some() {
            if !self.is_newer(retained) {
                return;
            }
            self.replayed = false;
        }
        match waiting.last_mut() {
            Some(last) if !last.replayed && !self.replayed => {
                *last = Self {
                    em_manutencao: self.em_manutencao.or(last.em_manutencao),
                    retained: self.retained.or(last.retained),
                    ..self
                };
            }
            _ => waiting.push(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a servidor keeps of a charger.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    struct Kept {
        state: Option<ReportedService>,
        retained: Option<PayloadDigest>,
    }

    impl Kept {
        fn receive(&mut self, message: ChargerMessage) {
            if message.is_newer(self.retained) {
                self.retained = message.retained.or(self.retained);
                self.state = Some(message.state_after(self.state));
            }
        }
    }

    /// A charger publishes a payload; of those with an equal number the content is equal.
    #[derive(Debug, Clone, Copy)]
    struct Published {
        payload: u8,
        retain: bool,
    }

    fn message(Published { payload, retain }: Published, replayed: bool) -> ChargerMessage {
        ChargerMessage {
            disponivel: payload % 2 == 0,
            em_manutencao: [None, Some(false), Some(true)][usize::from(payload / 2 % 3)],
            retained: retain.then_some([payload; 16]),
            replayed,
        }
    }

    /// What happens between a charger, the broker and the servidor.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Publishes(Published),
        /// The servidor connects again; the broker kept its session or lost it.
        Connects,
        LosesSession,
    }
    use Event::{Connects, LosesSession, Publishes};

    /// A broker and a servidor.
    #[derive(Default)]
    struct Model {
        kept: Kept,
        retained: Option<Published>,
        queue: Vec<ChargerMessage>,
        is_away: bool,
        has_no_session: bool,
    }

    impl Model {
        fn step(&mut self, event: Event) {
            match event {
                Publishes(published) => {
                    if published.retain {
                        self.retained = Some(published);
                    }
                    let live = message(published, false);
                    match (self.is_away, self.has_no_session) {
                        (false, _) => self.kept.receive(live),
                        (true, false) => self.queue.push(live),
                        (true, true) => {}
                    }
                }
                LosesSession => {
                    (self.is_away, self.has_no_session) = (true, true);
                    self.queue.clear();
                }
                Connects => {
                    (self.is_away, self.has_no_session) = (false, false);
                    for queued in std::mem::take(&mut self.queue) {
                        self.kept.receive(queued);
                    }
                    if let Some(retained) = self.retained {
                        self.kept.receive(message(retained, true));
                    }
                }
            }
        }
    }

    const FREE: u8 = 2;
    const BROKEN: u8 = 3;
    const RETAINED_BROKEN: Event = Publishes(Published { payload: BROKEN, retain: true });
    const RETAINED_FREE: Event = Publishes(Published { payload: FREE, retain: true });
    const PLAIN_BROKEN: Event = Publishes(Published { payload: BROKEN, retain: false });
    const PLAIN_FREE: Event = Publishes(Published { payload: FREE, retain: false });

    #[test]
    fn a_replay_counts_unless_a_live_message_was_received_since() {
        for (events, disponivel) in [
            // Never heard of.
            (&[][..], None),
            (&[Connects, Connects], None),
            // Published before the servidor ever connected, or while it had no session.
            (&[LosesSession, RETAINED_BROKEN, Connects], Some(false)),
            (&[PLAIN_FREE, LosesSession, RETAINED_BROKEN, Connects], Some(false)),
            (&[RETAINED_FREE, LosesSession, RETAINED_BROKEN, Connects], Some(false)),
            // The same one is replayed, with each connection.
            (&[RETAINED_BROKEN, Connects, LosesSession, Connects], Some(false)),
            // A live message came after it.
            (&[RETAINED_BROKEN, PLAIN_FREE, Connects], Some(true)),
            (&[RETAINED_BROKEN, PLAIN_FREE, LosesSession, Connects, Connects], Some(true)),
            (&[LosesSession, RETAINED_BROKEN, Connects, PLAIN_FREE, Connects], Some(true)),
            // The later live one was retained too.
            (&[RETAINED_BROKEN, RETAINED_FREE, LosesSession, Connects], Some(true)),
            // It was heard live before, but what is retained now was published later.
            (
                &[RETAINED_FREE, RETAINED_BROKEN, RETAINED_FREE, LosesSession]
                    .iter()
                    .chain(&[RETAINED_BROKEN, Connects])
                    .copied()
                    .collect::<Vec<_>>(),
                Some(false),
            ),
            // What is published without a session and without being retained is lost.
            (&[RETAINED_FREE, LosesSession, PLAIN_BROKEN, Connects], Some(true)),
        ] {
            let mut model = Model::default();
            events.iter().for_each(|event| model.step(*event));
            let state = model.kept.state.map(|state| state.disponivel);
            assert_eq!(state, disponivel, "{events:?}");
        }
    }

    #[test]
    fn maintenance_stays_as_it_was_until_it_is_named() {
        let state = |disponivel, em_manutencao| ReportedService { disponivel, em_manutencao };
        let message = |em_manutencao| ChargerMessage {
            disponivel: true,
            em_manutencao,
            retained: None,
            replayed: false,
        };
        assert_eq!(message(None).state_after(None), state(true, false));
        assert_eq!(message(None).state_after(Some(state(false, true))), state(true, true));
        assert_eq!(message(Some(false)).state_after(Some(state(false, true))), state(true, false));
    }

    fn published() -> impl Strategy<Value = Published> {
        (0..6_u8, any::<bool>()).prop_map(|(payload, retain)| Published { payload, retain })
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            6 => published().prop_map(Publishes),
            1 => Just(Connects),
            1 => Just(LosesSession),
        ]
    }

    proptest! {
        /// Each payload is published once, as by a charger that writes the time into it.
        #[test]
        fn the_servidor_knows_the_last_message_that_reached_the_broker_for_it(
            events in proptest::collection::vec(event(), 0..40)
        ) {
            let mut model = Model::default();
            // The number of the last message that the servidor was sent or that is retained.
            let (mut last, mut number) = (None, 0_u8);
            let mut last_retained = None;
            for event in events {
                match event {
                    Publishes(Published { retain, .. }) => {
                        number += 1;
                        last_retained = if retain { Some(number) } else { last_retained };
                        if !(model.is_away && model.has_no_session) {
                            last = Some(number);
                        }
                        model.step(Publishes(Published { payload: number, retain }));
                    }
                    other => model.step(other),
                }
            }
            model.step(Connects);
            let expected = last.max(last_retained).map(|payload| payload % 2 == 0);
            prop_assert_eq!(model.kept.state.map(|state| state.disponivel), expected);
        }

        /// Equal payloads are published often: only a replay of a message that was followed by
        /// others may be taken for an older one.
        #[test]
        fn a_charger_that_retains_all_its_messages_is_always_known(
            events in proptest::collection::vec(event(), 0..40)
        ) {
            let mut model = Model::default();
            let mut last = None;
            for event in events {
                if let Publishes(Published { payload, .. }) = event {
                    let payload = payload % 2 + 2;
                    last = Some(payload % 2 == 0);
                    model.step(Publishes(Published { payload, retain: true }));
                } else {
                    model.step(event);
                }
            }
            model.step(Connects);
            prop_assert_eq!(model.kept.state.map(|state| state.disponivel), last);
        }

        #[test]
        fn messages_that_wait_have_the_same_effect_merged(
            before in proptest::option::of((published(), any::<bool>())),
            messages in proptest::collection::vec((published(), any::<bool>()), 0..20)
        ) {
            let read = |(published, replayed): (Published, bool)| {
                message(Published { retain: published.retain || replayed, ..published }, replayed)
            };
            let mut each = Kept::default();
            before.map(read).into_iter().for_each(|message| each.receive(message));
            let mut merged = each;
            let mut waiting = Vec::new();
            for message in messages.into_iter().map(read) {
                each.receive(message);
                message.join(&mut waiting);
                prop_assert!(waiting.len() <= 3);
            }
            waiting.into_iter().for_each(|message| merged.receive(message));
            prop_assert_eq!(merged, each);
        }
    }
}
