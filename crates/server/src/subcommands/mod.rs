//! What `server` does when its command line asks for something, other than `doctor`.

mod backup;
mod importar;
mod restaurar;
mod running_servidor;
mod stdio_backup;
mod token;

pub(crate) use backup::back_up;
pub(crate) use importar::importar;
pub(crate) use restaurar::restore;
pub(crate) use token::{TokenArgs, token};
