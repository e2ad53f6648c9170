//! The files of a database: where they are, how they are opened and copied, and who else has them.

pub(in crate::store) mod beside_others;
pub(in crate::store) mod connections;
pub(in crate::store) mod copies;
pub(in crate::store) mod database_url;
pub(in crate::store) mod diagnosis;
pub(in crate::store) mod in_use;
pub(in crate::store) mod lost_files;
pub(in crate::store) mod not_writable;
pub(in crate::store) mod open_files;
pub(in crate::store) mod paths;
pub(in crate::store) mod private;
