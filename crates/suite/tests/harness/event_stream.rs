//! A reader of Server-Sent Events.

use std::time::Duration;

use serde_json::Value;

use super::http::Answer;
use super::{Program, TEST_TIMEOUT};

/// A stream of events, until it is dropped.
pub(crate) struct EventStream {
    response: reqwest::Response,
    /// What was received and not read.
    rest: String,
    /// The comments so far.
    pub(crate) comments: Vec<String>,
    /// All that was received.
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Event {
    /// Its name, id and the `status` in its data.
    pub(crate) fn summary(&self) -> (&str, Option<&str>, &str) {
        let status = self.data["status"].as_str().unwrap_or_default();
        (&self.name, self.id.as_deref(), status)
    }
}

impl Program {
    /// Listens to events.
    pub(crate) async fn listen(&self, path: &str) -> EventStream {
        let opened = EventStream::open(self.request(reqwest::Method::GET, path)).await;
        opened.unwrap_or_else(|answer| panic!("{path}: {answer:?}"))
    }

    /// Listens to events after the one of this id.
    pub(crate) async fn listen_after(&self, id: &str, path: &str) -> Result<EventStream, Answer> {
        let request = self.request(reqwest::Method::GET, path).header("Last-Event-ID", id);
        EventStream::open(request).await
    }
}

impl EventStream {
    /// # Errors
    /// What is answered is no stream.
    pub(crate) async fn open(request: reqwest::RequestBuilder) -> Result<Self, Answer> {
        let sent = tokio::time::timeout(TEST_TIMEOUT, request.send()).await.expect("an answer");
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(Answer { status: 0, json: error.to_string().into() }),
        };
        let kind = response.headers().get("content-type");
        if kind.is_none_or(|kind| kind != "text/event-stream") {
            let status = response.status().as_u16();
            return Err(Answer { status, json: response.json().await.unwrap_or(Value::Null) });
        }
        let (rest, text) = (String::new(), String::new());
        Ok(Self { response, rest, comments: Vec::new(), text })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    /// The next event; `None` when the stream has ended, in good order or not.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.next_within(TEST_TIMEOUT).await
    }

    /// As [`next`](Self::next), of what takes longer than other steps.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Option<Event> {
        let next = tokio::time::timeout(limit, self.read()).await;
        next.unwrap_or_else(|_| panic!("no event in time, after {}", self.text))
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                if let Some(event) = self.event(&block) {
                    return Some(event);
                }
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            let chunk = String::from_utf8(chunk.to_vec()).expect("events are cut between texts");
            self.rest.push_str(&chunk);
            self.text.push_str(&chunk);
        }
    }

    /// `None` of a block without data.
    fn event(&mut self, block: &str) -> Option<Event> {
        let (mut name, mut id, mut data) = (String::new(), None, None);
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("", comment)) => self.comments.push(comment.to_owned()),
                Some(("event", text)) => name = text.to_owned(),
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("data", text)) => data = Some(serde_json::from_str(text).expect("JSON")),
                Some(("retry", text)) => assert_eq!(text, "2000"),
                _ => panic!("a line of no kind: {line}"),
            }
        }
        data.map(|data| Event { name, id, data })
    }

    /// The next event of this name.
    pub(crate) async fn next_named(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("no {name}: {}", self.text));
            if event.name == name {
                return event;
            }
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let wait = Duration::from_millis(700);
        tokio::time::timeout(wait, self.read()).await.is_err()
    }
}
