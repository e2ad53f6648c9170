//! The program `server`.

fn main() -> std::process::ExitCode {
    server::main()
}
