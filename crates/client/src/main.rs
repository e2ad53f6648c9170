//! The program `client`.

fn main() -> std::process::ExitCode {
    client::main()
}
