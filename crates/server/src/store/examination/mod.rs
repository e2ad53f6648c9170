//! Looks at a database without changing anything of it, whether a servidor has it open or not.

mod contents;
mod disk;
mod files;

pub use contents::{BrokenPromises, Contents, Integrity, TokenHashes, examine_contents};
pub use disk::{Disk, FileSystem};
pub use files::{DatabaseFiles, OpenIn, examine_files};
