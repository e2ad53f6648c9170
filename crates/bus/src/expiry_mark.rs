//! Says that a message expires. In its last second, and after a restart past its time, Mosquitto
//! passes it on without an expiry, as if it never did; but with this user property.

const NAME: &str = "expires";
const VALUE: &str = "yes";

/// The property of a message that expires.
pub(crate) fn new() -> (String, String) {
    (NAME.to_owned(), VALUE.to_owned())
}

/// Whether it is among the properties of a message.
pub(crate) fn is_in(properties: &[(String, String)]) -> bool {
    properties.iter().any(|(name, value)| name == NAME && value == VALUE)
}
