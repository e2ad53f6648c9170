#!/usr/bin/env bash
# Builds the programs of another revision, by default of the last published version, and prints their
# folder, target/previous/REV; once they are there, that is all. Some minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Released versions have no tags; a new release changes this line.
last_published=2c42823
rev=$(git rev-parse --short=7 "${1:-$last_published}^{commit}")
folder=$PWD/target/previous/$rev
if [ ! -x "$folder/server" ] || [ ! -x "$folder/client" ]; then
    # In a place of its own: cargo takes files that are older than its last build for unchanged.
    source=$folder/source
    [ -e "$source/.git" ] || git worktree add --quiet --force --detach "$source" "$rev"
    trap 'git worktree remove --force "$source"' EXIT
    CARGO_TARGET_DIR=$PWD/target/previous/build cargo build --quiet --locked \
        --manifest-path "$source/Cargo.toml" --package server --package client >&2
    cp target/previous/build/debug/server target/previous/build/debug/client "$folder/"
fi
# Where the tests look for it.
[ -n "${1:-}" ] || ln --symbolic --force --no-dereference "$rev" target/previous/last
echo "$folder"
