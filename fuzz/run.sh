#!/usr/bin/env bash
# Runs every fuzz target for some seconds each (first argument, 10 by default), starting from the
# corpus in this folder. New inputs stay under target/; a finding stops it and is named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly seconds=${1:-10}
# cargo-fuzz asks the compiler for what only a nightly one gives unasked.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$PWD/../target/fuzz

command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked --quiet
cargo fuzz build --fuzz-dir . --sanitizer none
count=0
for target in fuzz_targets/*.rs; do
    target=$(basename "$target" .rs)
    found=$CARGO_TARGET_DIR/corpus/$target
    mkdir -p "$found"
    printf 'fuzz: %s\n' "$target"
    cargo fuzz run --fuzz-dir . --sanitizer none "$target" "$found" "corpus/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -verbosity=0 -print_final_stats=1 2>&1 |
        tee "$CARGO_TARGET_DIR/$target.log" | grep -E 'number_of_executed_units|panicked|Failing|ERROR' ||
        { tail -n 40 "$CARGO_TARGET_DIR/$target.log" && exit 1; }
    count=$((count + 1))
done
printf 'fuzz: %d targets, %d s each, no findings\n' "$count" "$seconds"
