//! Who may do what: tokens, logins, limits of a caller, headers that keep browsers safe.

mod admin_tokens;
pub(crate) mod app_tokens;
mod apps;
mod callers;
mod denied;
mod logins;
mod security_headers;
