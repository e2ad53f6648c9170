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
    cargo test --package bus -- --include-ignored
    SUITE_BROKER=mosquitto cargo test --package suite

# Format, lints and docs, as CI checks them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences and known vulnerabilities of the dependencies (needs cargo-deny)
audit:
    cargo deny check

# Images, compose file and the flows through them
docker:
    bash crates/suite/docker/run.sh

# Everything
ci:
    .ci/run
