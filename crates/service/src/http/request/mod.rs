//! What a request says: its path, its query and its body.

pub(in crate::http) mod body_text;
pub(in crate::http) mod content_coding;
pub(in crate::http) mod extract;
pub(in crate::http) mod file_body;
pub(in crate::http) mod json_body;
pub(in crate::http) mod path;
pub(in crate::http) mod receive;
pub(in crate::http) mod unexpected;
pub(in crate::http) mod wrong_parts;
