# What is done often. `just` alone lists it.

default:
    @just --list

# The whole system on this machine; Ctrl-C stops it
run *options:
    cargo run --release -- {{ options }}

# All tests over the embedded broker
test:
    cargo test --workspace

# The tests that need an installed mosquitto as well
test-mosquitto:
    cargo test --package bus --package client -- --include-ignored
    SUITE_BROKER=mosquitto cargo test --package suite --test e2e

# The promises under faults (needs mosquitto, faketime and root); the report is printed
promises:
    cargo test --package suite --test promises -- --include-ignored --test-threads=1

# Ten minutes of faults; SOAK_SEED names the run
soak seconds="600":
    SOAK_SECONDS={{ seconds }} cargo test --package suite --test promises the_promises -- --ignored --nocapture

# Every fuzz target for some seconds, then both HTTP APIs under schemathesis
fuzz seconds="10":
    fuzz/run.sh {{ seconds }}
    crates/suite/schemathesis.sh

# Format, lints and docs, as CI checks them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences and known vulnerabilities of the dependencies (needs cargo-deny)
audit:
    cargo deny check

# How fast everything is, against what its parts can do (needs mosquitto)
bench *options:
    cargo bench --package suite --bench system -- {{ options }}

# Whether a request costs more instructions than it did (needs valgrind); --record for a new record
instructions *options:
    cargo bench --package suite --bench instructions -- {{ options }}

# Images, compose file and the flows through them
docker:
    bash crates/suite/docker/run.sh

# Everything
ci:
    .ci/run
