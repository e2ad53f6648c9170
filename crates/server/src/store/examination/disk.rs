//! The disk that a database is on.

use std::path::{Path, PathBuf};

use rustix::fs::{statfs, statvfs};

/// A folder's disk.
#[derive(Debug, Clone)]
pub struct Disk {
    pub folder: PathBuf,
    /// Bytes that this user may still write.
    pub free: u64,
    /// Files that may still be made. `None`: the file system sets no limit.
    pub free_files: Option<u64>,
    pub kind: FileSystem,
}

/// What a file system means for a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    Local,
    /// Its locks, and its order of writes, may not be those that SQLite needs.
    Network(&'static str),
    /// Gone with the machine.
    Memory,
    /// Gone with the container, unless it is that of the host.
    Overlay,
}

impl Disk {
    /// Of a folder that exists.
    pub fn of(folder: &Path) -> Option<Self> {
        let found = statvfs(folder).ok()?;
        // The type has another width and sign on each machine, and the numbers have 32 bits.
        let magic = statfs(folder).ok()?.f_type as u32;
        Some(Self {
            folder: folder.to_owned(),
            free: found.f_bavail.saturating_mul(found.f_frsize),
            free_files: (found.f_files > 0).then_some(found.f_favail),
            kind: FileSystem::of(magic),
        })
    }
}

impl FileSystem {
    /// By its number in statfs(2).
    fn of(magic: u32) -> Self {
        match magic {
            0x6969 => Self::Network("NFS"),
            0x517B | 0xFF53_4D42 | 0xFE53_4D42 => Self::Network("SMB"),
            0x0102_1997 => Self::Network("9p"),
            0x6573_5546 => Self::Network("FUSE"),
            0x00C3_6400 => Self::Network("Ceph"),
            0x5346_414F | 0x6B41_4653 => Self::Network("AFS"),
            0x786F_4256 => Self::Network("a folder that VirtualBox shares"),
            0x0102_1994 | 0x8584_58F6 => Self::Memory,
            0x794C_7630 => Self::Overlay,
            _ => Self::Local,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_lose_data_are_known() {
        for (magic, kind) in [
            (0xEF53, FileSystem::Local),
            (0x6969, FileSystem::Network("NFS")),
            (0xFF53_4D42, FileSystem::Network("SMB")),
            (0x0102_1994, FileSystem::Memory),
            (0x794C_7630, FileSystem::Overlay),
        ] {
            assert_eq!(FileSystem::of(magic), kind, "{magic:X}");
        }
        let memory = Disk::of(Path::new("/dev/shm")).expect("every Linux has it");
        assert_eq!(memory.kind, FileSystem::Memory);
        assert!(Disk::of(Path::new("/does/not/exist")).is_none());
    }
}
