//! Backups: made, restored, and removed when they are old.

pub(in crate::store) mod back_up;
pub(in crate::store) mod names;
pub(in crate::store) mod restore;
pub(in crate::store) mod restored_ids;
pub(in crate::store) mod rotation;
