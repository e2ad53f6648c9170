//! The server program with the failpoints of `src/failpoints.rs` built in, for tests.

fn main() -> std::process::ExitCode {
    server::main()
}
