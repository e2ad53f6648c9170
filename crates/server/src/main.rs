//! The servidor's program.

fn main() -> std::process::ExitCode {
    server::main()
}
