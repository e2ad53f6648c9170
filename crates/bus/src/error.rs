//! Why the bus did not take a message, and why a call got no reply.

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// As many messages as the outbox holds are waiting for the broker.
    #[error("too many messages are waiting for the broker")]
    Full,
    /// The bus was closed.
    #[error("the bus is closed")]
    Closed,
    /// No broker could take a message on this topic: it is empty, too long or has wildcards.
    #[error("the topic is empty, too long or has wildcards")]
    InvalidTopic,
    /// The payload is larger than any packet the bus sends.
    #[error("the payload is over the packet limit")]
    TooLarge,
}

/// Why a call got no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There was no connection to the broker when the call began; nothing was sent.
    #[error("no connection to the broker")]
    Offline,
    /// Too many calls wait for a reply, or too many messages for the broker; nothing was sent.
    #[error("too many calls are in flight")]
    Overloaded,
    /// No reply before the deadline. Whether the command was carried out is not known.
    #[error("no reply before the deadline")]
    Timeout,
    /// Another call with this `request_id` and another payload is in flight.
    #[error("the request_id is in flight with another payload")]
    KeyReused,
}
