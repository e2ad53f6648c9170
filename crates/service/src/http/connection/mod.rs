//! Connections: taken up to a limit, read and written as HTTP, and closed so that answers arrive.

pub(in crate::http) mod accept_log;
pub(in crate::http) mod answer_body;
pub(in crate::http) mod eviction_candidates;
pub(in crate::http) mod head_check;
pub(in crate::http) mod limit;
pub(in crate::http) mod linger;
pub(in crate::http) mod refusal;
pub(in crate::http) mod request_body;
pub(in crate::http) mod serve;
pub(in crate::http) mod socket;
pub(in crate::http) mod state;
pub(in crate::http) mod streams;
pub(in crate::http) mod tasks;
