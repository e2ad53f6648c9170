//! The program `client`.

use mimalloc::MiMalloc;

/// A request makes some 76 allocations, for which this takes less time than glibc's allocator
/// (docs/decisions/0112).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> std::process::ExitCode {
    client::main()
}
