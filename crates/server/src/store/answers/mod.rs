//! Answers to requests as they are stored, and who may see them.

pub(in crate::store) mod change_answer;
pub(in crate::store) mod first_answer;
pub(in crate::store) mod request_outcome;
pub(in crate::store) mod stored_rejection;
