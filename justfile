# Frequent tasks; `just` lists them.

default:
    @just --list

# Run the whole system on this machine; Ctrl-C stops it
run *options:
    cargo run --release -- {{ options }}

# Run all tests over the embedded broker
test:
    cargo test --workspace

# Run the tests that need mosquitto
test-mosquitto:
    cargo test --package bus --package client -- --include-ignored
    SUITE_BROKER=mosquitto cargo test --package suite --test e2e -- --include-ignored
    cargo test --package suite --test rights -- --include-ignored
    cargo test --package suite --test attacks -- --include-ignored

# Run the README's section on two hosts, in network namespaces (needs mosquitto and root)
two-hosts:
    bash crates/suite/two_hosts.sh

# Replace the programs of the last published version by today's, under load; builds them first
rolling:
    crates/suite/previous.sh
    cargo test --package suite --test rolling -- --include-ignored

# Check the promises under faults and print the report (needs mosquitto, faketime and root)
promises:
    cargo test --package suite --test promises -- --include-ignored --test-threads=1

# Run ten minutes of faults on release builds; SOAK_SEED repeats a run
soak seconds="600":
    SOAK_SECONDS={{ seconds }} cargo test --release --package suite --test promises the_promises -- --ignored --nocapture

# Lose and restore a servidor under load and faults for ten minutes; DRILL_SEED repeats a run (needs mosquitto)
drill seconds="600":
    DRILL_SECONDS={{ seconds }} cargo test --release --package suite --test promises a_restored_servidor -- --ignored --nocapture

# Play a simulated day at a site and write docs/day.md with its plot: 15 minutes (needs mosquitto)
day seed="14" hours="24":
    DAY_HOURS={{ hours }} DAY_SEED={{ seed }} DAY_REPORT="$PWD/docs" DAY_COMMAND="just day {{ seed }} {{ hours }}" cargo test --package suite --test promises a_day_at_a_site -- --ignored --nocapture

# Run every fuzz target for some seconds, then schemathesis against both HTTP APIs
fuzz seconds="10":
    fuzz/run.sh {{ seconds }}
    crates/suite/schemathesis.sh

# Lint the API documents, use clients generated from them, press every operation of /docs
documents:
    crates/suite/api_documents.sh

# Test the pages in Chromium; names of flows (crates/suite/browser/pages/flows) run only these (needs mosquitto)
pages *flows:
    crates/suite/pages.sh {{ flows }}

# Take the screenshots of docs/pages anew (needs mosquitto and faketime)
screenshots:
    crates/suite/pages.sh screenshots docs/pages

# Check format, lints and docs as CI does
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Check licences and known vulnerabilities of the dependencies (needs cargo-deny)
audit:
    cargo deny check

# Measure the system against the limits of its parts (needs mosquitto; the group wrk needs wrk)
bench *options:
    cargo bench --package suite --bench system -- {{ options }}

# Count the instructions of a request and compare with the record (needs valgrind; --record replaces it)
instructions *options:
    cargo bench --package suite --bench instructions -- {{ options }}

# Test the images and the compose file
docker:
    bash crates/suite/docker/run.sh

# Run the commands of the README as pasted (needs mosquitto-clients; `docker` runs the others)
readme:
    python3 crates/suite/readme.py local

# Check the units for systemd
systemd:
    bash deploy/systemd/check.sh

# Run everything that CI runs
ci:
    .ci/run
