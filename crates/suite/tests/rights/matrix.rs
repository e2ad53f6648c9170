//! Every role with every topic: what the broker does, beside what the table says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use crate::harness::doors::{Doors, User};
use crate::harness::raw_mqtt::{Connection, Endpoint, Received, Version};
use crate::table::{self, Allowed};
use crate::topics;

/// Reason codes of an acknowledgement: success, nobody subscribed, not authorized.
const ACCEPTED: [u8; 2] = [0, 0x10];
const NOT_AUTHORIZED: u8 = 0x87;

/// Subscriptions that match more than one topic, with the prefix of a shared subscription where it
/// is one.
const WILDCARDS: [(&str, &str); 9] = [
    ("", "#"),
    ("", "+/#"),
    ("", "+/+/status"),
    ("", "server/#"),
    ("", "client/+/postos/response"),
    ("", "+/+/+/+/+"),
    ("", "$SYS/#"),
    ("$share/g/", "#"),
    ("$share/g/", "+/+/status"),
];

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wrong {
    user: String,
    door: String,
    way: String,
    topic: String,
    allowed: bool,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, door, way, topic, allowed } = self;
        let found = if *allowed { "denied" } else { "allowed" };
        write!(f, "{user}, {door}: {way} {topic} is {found}")
    }
}

pub(crate) struct Matrix<'a> {
    doors: &'a Doors,
    topics: Vec<String>,
    /// Receives all that arrives, at the inside door.
    observer: Connection,
    published: usize,
    pub(crate) cells: usize,
    pub(crate) allowed_cells: usize,
    pub(crate) wrong: Vec<Wrong>,
}

/// Whose rights are tried, and through which listener.
#[derive(Clone, Copy)]
struct Who<'a> {
    user: &'a User,
    allowed: &'a Allowed,
    door: Endpoint,
}

impl<'a> Matrix<'a> {
    pub(crate) async fn new(doors: &'a Doors) -> Self {
        let mut observer = doors.insider("observer").await;
        observer.subscribe(&["#", "$SYS/#", "$x/#"]).await;
        let topics = topics::with_neighbours();
        Self {
            doors,
            topics,
            observer,
            published: 0,
            cells: 0,
            allowed_cells: 0,
            wrong: Vec::new(),
        }
    }

    /// Every way in which this user could publish or receive, through this listener.
    pub(crate) async fn try_all(&mut self, user: &User, door: Endpoint) {
        let allowed = table::allowed(&user.name);
        let who = Who { user, allowed: &allowed, door };
        self.try_publishing(who, false).await;
        self.try_publishing(who, true).await;
        self.try_wills(who).await;
        self.try_receiving(who).await;
        self.try_retained(who).await;
    }

    /// Publishing and receiving on each topic, once.
    pub(crate) async fn try_briefly(&mut self, user: &User, door: Endpoint) {
        let allowed = table::allowed(&user.name);
        let who = Who { user, allowed: &allowed, door };
        self.try_publishing(who, false).await;
        self.try_subscription(who, "receiving", &self.exact("")).await;
    }

    async fn connect(&self, who: Who<'_>) -> Connection {
        Connection::open(who.door, &who.user.connect()).await.expect("the user may enter")
    }

    fn record(&mut self, who: Who<'_>, way: &str, topic: &str, allowed: bool, happened: bool) {
        self.cells += 1;
        self.allowed_cells += usize::from(allowed);
        if allowed != happened {
            self.wrong.push(Wrong {
                user: who.user.name.clone(),
                door: format!("{:?} over {:?}", who.door.version, who.door.transport),
                way: way.to_owned(),
                topic: topic.to_owned(),
                allowed,
            });
        }
    }

    /// Payloads that occur once.
    fn payloads(&mut self, count: usize) -> Vec<String> {
        self.published += count;
        (self.published - count..self.published).map(|number| format!("m{number}")).collect()
    }

    async fn observed(&mut self) -> BTreeSet<String> {
        let received = self.observer.drain().await.expect("the observer stays connected");
        received.into_iter().map(|message| message.payload).collect()
    }

    async fn try_publishing(&mut self, who: Who<'_>, retain: bool) {
        let topics: Vec<String> =
            self.topics.iter().cloned().chain(topics::DOLLAR.map(str::to_owned)).collect();
        let payloads = self.payloads(topics.len());
        let messages = pairs(&topics, &payloads);
        let codes = self.connect(who).await.publish(&messages, retain).await;
        let mut arrived = self.observed().await;
        if retain {
            arrived = self.retained(&topics).await;
        }
        let way = if retain { "retaining" } else { "publishing" };
        for ((topic, payload), code) in messages.into_iter().zip(codes) {
            let allowed = who.allowed.publishes(topic);
            self.record(who, way, topic, allowed, arrived.contains(payload));
            // 3.1.1 has no codes.
            if who.door.version == Version::V5 {
                let accepted = ACCEPTED.contains(&code);
                assert!(accepted || code == NOT_AUTHORIZED, "{topic}: {code:#x}");
                self.record(who, &format!("{way}, by the code,"), topic, allowed, accepted);
            }
        }
    }

    /// The payloads that the broker has retained, which it then forgets.
    async fn retained(&self, topics: &[String]) -> BTreeSet<String> {
        let mut insider = self.doors.insider("retained").await;
        insider.subscribe(&["#", "$x/#"]).await;
        let received = insider.drain().await.expect("a connection").into_iter();
        let found = received.filter(|message| message.retained).map(|message| message.payload);
        let found = found.collect();
        let plain = topics.iter().filter(|topic| !topic.starts_with('$'));
        let empty: Vec<(&str, &str)> = plain.map(|topic| (topic.as_str(), "")).collect();
        insider.publish(&empty, true).await;
        found
    }

    /// A connection that breaks, for each topic. The next one of the same user is answered after
    /// the broker has noticed.
    async fn try_wills(&mut self, who: Who<'_>) {
        let topics = topics::every();
        let payloads = self.payloads(topics.len());
        for (topic, payload) in pairs(&topics, &payloads) {
            let mut connect = who.user.connect();
            connect.will = Some((topic.to_owned(), payload.to_owned()));
            // It may be refused for its will.
            drop(Connection::open(who.door, &connect).await);
        }
        drop(self.connect(who).await);
        let expected = |topic: &String| who.allowed.publishes(topic);
        let count = topics.iter().filter(|topic| expected(topic)).count();
        let mut arrived = self.observed().await;
        let deadline = Instant::now() + Duration::from_secs(2);
        while arrived.len() < count && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
            arrived.extend(self.observed().await);
        }
        for (topic, payload) in pairs(&topics, &payloads) {
            let allowed = who.allowed.publishes(topic);
            self.record(who, "a will on", topic, allowed, arrived.contains(payload));
        }
    }

    fn exact(&self, prefix: &str) -> Vec<String> {
        self.topics.iter().map(|topic| format!("{prefix}{topic}")).collect()
    }

    async fn try_receiving(&mut self, who: Who<'_>) {
        self.try_subscription(who, "receiving", &self.exact("")).await;
        self.try_subscription(who, "receiving, shared,", &self.exact("$share/g/")).await;
        for (shared, filter) in WILDCARDS {
            let filter = format!("{shared}{filter}");
            self.try_subscription(who, &format!("receiving by {filter}"), &[filter]).await;
        }
    }

    /// What arrives of one message on each topic, published inside.
    async fn try_subscription(&mut self, who: Who<'_>, way: &str, filters: &[String]) {
        let mut connection = self.connect(who).await;
        let names: Vec<&str> = filters.iter().map(String::as_str).collect();
        connection.subscribe(&names).await;
        let topics = self.topics.clone();
        let payloads = self.payloads(topics.len());
        let messages = pairs(&topics, &payloads);
        self.doors.insider("sender").await.publish(&messages, false).await;
        let received = connection.drain().await.expect("a connection");
        self.record_received(who, way, filters, &received, &messages);
        self.observed().await;
    }

    /// What is retained already, and what is delivered of it by exact and broad subscriptions.
    async fn try_retained(&mut self, who: Who<'_>) {
        let topics = self.topics.clone();
        let payloads = self.payloads(topics.len());
        let messages = pairs(&topics, &payloads);
        self.doors.insider("sender").await.publish(&messages, true).await;
        for (way, filters) in [
            ("receiving what is retained on", self.exact("")),
            ("receiving, by #, what is retained on", vec!["#".to_owned()]),
            ("receiving, by $SYS/#, what is retained on", vec!["$SYS/#".to_owned()]),
        ] {
            let mut connection = self.connect(who).await;
            let names: Vec<&str> = filters.iter().map(String::as_str).collect();
            connection.subscribe(&names).await;
            let received = connection.drain().await.expect("a connection");
            self.record_received(who, way, &filters, &received, &messages);
        }
        self.retained(&topics).await;
        self.observed().await;
    }

    fn record_received(
        &mut self,
        who: Who<'_>,
        way: &str,
        filters: &[String],
        received: &[Received],
        messages: &[(&str, &str)],
    ) {
        let arrived: BTreeMap<&str, &str> = received
            .iter()
            .map(|message| (message.payload.as_str(), message.topic.as_str()))
            .collect();
        let filters: BTreeSet<&str> = filters
            .iter()
            .map(|filter| filter.strip_prefix("$share/g/").unwrap_or(filter))
            .collect();
        for (topic, payload) in messages {
            let subscribed = filters.contains(topic)
                || (filters.len() == 1
                    && filters.iter().any(|filter| table::matches(filter, topic)));
            if subscribed {
                let allowed = who.allowed.receives(topic);
                self.record(who, way, topic, allowed, arrived.contains_key(payload));
            }
        }
        // What Mosquitto says of itself, too.
        let own = received.iter().find(|message| message.topic.starts_with('$'));
        self.record(who, way, "$SYS", false, own.is_some());
    }
}

fn pairs<'a>(topics: &'a [String], payloads: &'a [String]) -> Vec<(&'a str, &'a str)> {
    topics.iter().map(String::as_str).zip(payloads.iter().map(String::as_str)).collect()
}
