//! Whose user the program logs in with.

use super::report::Check;
use crate::broker_login::{BrokerLogin, WrongUser};
use crate::settings::Setting;

/// A warning if the user is that of another program: with another broker the name may be right.
pub fn user_check(login: &BrokerLogin, role: &str, id: (Setting, &str)) -> Option<Check> {
    let WrongUser { found, remedy } = login.wrong_user(role, id.0, id.1)?;
    Some(Check::warning("user", found, remedy))
}
