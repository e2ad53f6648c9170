//! The client program with the failpoints of the crate `service` built in, for tests.

fn main() -> std::process::ExitCode {
    client::main()
}
