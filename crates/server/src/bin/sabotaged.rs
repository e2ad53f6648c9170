//! The servidor's program with the hooks of `server/src/sabotage.rs`, for tests.

fn main() -> std::process::ExitCode {
    server::main()
}
