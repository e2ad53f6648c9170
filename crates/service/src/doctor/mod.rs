//! What `doctor` of a program says: what was looked at, and what to do about what is not well. The
//! checks that both programs share are here, the others beside what they look at.

mod access;
mod background;
mod clock;
mod listeners;
mod machine;
mod presences;
mod process;
mod report;
mod running;
mod secret_files;
mod settings;
mod user;

pub use access::http_checks;
pub use background::{Background, hanging};
pub use clock::clock_checks;
pub use listeners::listener_checks;
pub use presences::{
    OwnPresence, PresenceSource, presence_checks, read_presences, unheard_presences,
};
pub use process::process_checks;
pub use report::{Check, Report, Verdict};
pub use running::{Instance, Running, look_at_running};
pub use secret_files::secret_file_checks;
pub use settings::read_settings;
pub use user::user_check;
