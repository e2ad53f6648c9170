//! What answers have in common: the error shape, headers, and how they are coded.

pub(in crate::http) mod body_parts;
pub(in crate::http) mod compression;
pub(in crate::http) mod cors;
pub(in crate::http) mod error;
pub(in crate::http) mod etag;
pub(in crate::http) mod security_headers;
