//! Whose user the program logs in with.

use super::report::Check;
use crate::broker_login::{BrokerLogin, WrongUser};
use crate::settings::Setting;

/// A failure if the user is that of another program.
pub fn user_check(login: &BrokerLogin, role: &str, id: (Setting, &str)) -> Option<Check> {
    let WrongUser { found, remedy } = login.wrong_user(role, id.0, id.1)?;
    Some(Check::failure("user", found, remedy))
}
