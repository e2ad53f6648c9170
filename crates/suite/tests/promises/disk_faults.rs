//! Makes the disk operations of a program fail or take long, by a preloaded library.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// What to do to which calls. The numbers are those of `disk_faults.c`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiskFault {
    pub(crate) action: Action,
    pub(crate) operations: Operations,
    /// Affects files whose path ends so.
    pub(crate) suffix: &'static str,
    pub(crate) error: i32,
    /// How many calls are passed on first.
    pub(crate) skip: i32,
    /// How many calls are affected; `None` for all.
    pub(crate) count: Option<i32>,
    /// The program is killed at the n-th call after the first affected one.
    pub(crate) kill_after: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The call does its work and reports a failure.
    FailAfter,
    /// The call does nothing and reports a failure.
    FailInstead,
    Delay(Duration),
}

/// A set of operations, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operations(i32);

impl Operations {
    pub(crate) const SYNC: Self = Self(1);
    pub(crate) const WRITE: Self = Self(2);
    pub(crate) const SYNC_OR_TRUNCATE: Self = Self(1 | 4);
    pub(crate) const ALL: Self = Self(1 | 2 | 4);
}

pub(crate) const EIO: i32 = 5;
pub(crate) const ENOSPC: i32 = 28;
pub(crate) const EDQUOT: i32 = 122;

impl DiskFault {
    /// The next call of these operations on the WAL fails with EIO after it has done its work.
    pub(crate) fn once(operations: Operations) -> Self {
        Self {
            action: Action::FailAfter,
            operations,
            suffix: "-wal",
            error: EIO,
            skip: 0,
            count: Some(1),
            kill_after: None,
        }
    }
}

/// The faults of one program, which must be started with [`environment`](Self::environment).
pub(crate) struct DiskFaults {
    control: File,
    path: PathBuf,
}

/// Offset of the calls that are still to be affected.
const COUNT: u64 = 16;
/// Offset of the calls that are left until the program is killed.
const KILL_AFTER: u64 = 24;
/// Offset of the affected calls so far.
const AFFECTED: u64 = 28;
const SUFFIX: u64 = 32;

impl DiskFaults {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.disk-faults"));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let control = options.open(&path).expect("a control file");
        control.set_len(4096).expect("a control file");
        Self { control, path }
    }

    /// `LD_PRELOAD` and `DISK_FAULTS`.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
        [("LD_PRELOAD", text(library())), ("DISK_FAULTS", text(&self.path))]
    }

    pub(crate) fn set(&self, fault: DiskFault) {
        self.clear();
        let (action, delay) = match fault.action {
            Action::FailAfter => (1, Duration::ZERO),
            Action::FailInstead => (2, Duration::ZERO),
            Action::Delay(delay) => (3, delay),
        };
        let delay = i32::try_from(delay.as_millis()).expect("a short delay");
        let count = fault.count.unwrap_or(-1);
        let kill_after = fault.kill_after.unwrap_or(-1);
        let fields = [fault.operations.0, fault.error, fault.skip, count, delay, kill_after, 0];
        for (offset, field) in (4..).step_by(4).zip(fields) {
            self.write(&field.to_ne_bytes(), offset);
        }
        let mut suffix = [0; 32];
        suffix[..fault.suffix.len()].copy_from_slice(fault.suffix.as_bytes());
        self.write(&suffix, SUFFIX);
        // Last, so that the program sees the rest.
        self.write(&i32::to_ne_bytes(action), 0);
    }

    pub(crate) fn clear(&self) {
        self.write(&[0; 4], 0);
    }

    /// How many calls were affected since the last `set`.
    pub(crate) fn affected(&self) -> i32 {
        self.read(AFFECTED)
    }

    /// Whether the last call that is to be affected has begun; a delayed one may not have ended.
    pub(crate) fn has_begun(&self) -> bool {
        self.read(COUNT) == 0
    }

    /// Whether the fault has killed the program, or is about to.
    pub(crate) fn kills(&self) -> bool {
        self.read(KILL_AFTER) == 0
    }

    fn read(&self, offset: u64) -> i32 {
        let mut bytes = [0; 4];
        self.control.read_exact_at(&mut bytes, offset).expect("a control file");
        i32::from_ne_bytes(bytes)
    }

    fn write(&self, bytes: &[u8], offset: u64) {
        self.control.write_all_at(bytes, offset).expect("a control file");
    }
}

/// Compiles the library once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this test");
        let library = test.with_file_name(format!("disk_faults-{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promises/disk_faults.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let compiled = compiler.arg(&library).arg(source).status().expect("cc runs");
        assert!(compiled.success(), "{compiled}");
        library
    })
}
