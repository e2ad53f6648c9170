//! The pages for drivers, without any script.

mod forms;
mod list;
