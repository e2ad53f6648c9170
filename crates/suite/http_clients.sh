#!/usr/bin/env bash
# Whether common HTTP clients see the answer to a body that is refused before it has arrived: each
# sends 5 MB to a gateway, with its length and in chunks, and prints the status that it sees. Needs
# no broker. Clients that are not installed are reported; with CLIENTS=all they are failures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly port=${PORT:-22011} length=5000000
readonly here=$PWD/crates/suite/http_clients
work=$(mktemp -d)
program=
finish() {
    [ -z "$program" ] || kill "$program" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# With the servidor, as the tests build it: other features would replace a program that they start.
cargo build --quiet
# Nothing listens on the broker's port: what is refused here needs none.
MQTT_CLIENT_ID=cliente1 MQTT_PORT=1 RUST_LOG=warn HTTP_ADDR=127.0.0.1:$port \
    target/debug/client >"$work/client.log" 2>&1 &
program=$!
until curl --silent --output /dev/null "http://127.0.0.1:$port/healthz"; do
    kill -0 "$program"
    sleep 0.1
done

# The arguments of a client: URL, Content-Type, Content-Encoding, length, and `chunked` or `sized`.
with_curl() {
    local headers=(--header "Content-Type: $2")
    [ -z "$3" ] || headers+=(--header "Content-Encoding: $3")
    [ "$5" != chunked ] || headers+=(--header "Transfer-Encoding: chunked")
    # Without the wait for `100 Continue`, which would hide what is tried here.
    head --bytes "$4" /dev/zero | curl --silent --show-error --max-time 30 --header "Expect:" \
        "${headers[@]}" --data-binary @- --output "$work/body" --write-out '%{http_code}' "$1"
    [ -s "$work/body" ] || printf ' without a body'
}
with_curl_expecting() {
    local headers=(--header "Content-Type: $2" --header "Expect: 100-continue")
    [ -z "$3" ] || headers+=(--header "Content-Encoding: $3")
    [ "$5" != chunked ] || headers+=(--header "Transfer-Encoding: chunked")
    head --bytes "$4" /dev/zero | curl --silent --show-error --max-time 30 "${headers[@]}" \
        --data-binary @- --output "$work/body" --write-out '%{http_code}' "$1"
    [ -s "$work/body" ] || printf ' without a body'
}
with_urllib() { python3 "$here/urllib_client.py" "$@"; }
with_requests() { "${python[@]}" "$here/requests_client.py" "$@"; }
with_node_fetch() { node "$here/fetch_client.mjs" "$@"; }
with_node_http() { node "$here/http_client.mjs" "$@"; }
with_java() { java -cp "$work" JavaClient "$@"; }

clients=() missing=()
# add <client> <command that shows that it is there>
add() {
    if "${@:2}" >/dev/null 2>&1; then clients+=("$1"); else missing+=("$1"); fi
}
python=(python3)
python3 -c 'import requests' 2>/dev/null || {
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet requests &&
        python=("$work/venv/bin/python")
} || true
add curl curl --version
add curl_expecting curl --version
add urllib python3 --version
add requests "${python[@]}" -c 'import requests'
add node_fetch node --version
add node_http node --version
add java javac -d "$work" "$here/JavaClient.java"

# Status, path, Content-Type, Content-Encoding.
readonly refusals=(
    "413 /reservar application/json"
    "415 /reservar text/plain"
    "415 /reservar application/json br"
    "404 /nope application/json"
    "405 /postos application/json"
)
failed=0
printf '%-16s' ""
for refusal in "${refusals[@]}"; do printf ' %-22s' "${refusal:0:13}"; done
printf '\n'
for client in "${clients[@]}"; do
    for framing in sized chunked; do
        printf '%-24s' "$client $framing"
        for refusal in "${refusals[@]}"; do
            read -r expected path type coding <<<"$refusal"
            seen=$("with_$client" "http://127.0.0.1:$port$path" "$type" "$coding" "$length" \
                "$framing" 2>&1 | tail -1 | sed 's/ *$//') || true
            [ "$seen" = "$expected" ] || failed=$((failed + 1))
            printf ' %-14s' "$seen"
        done
        printf '\n'
    done
done
[ ${#missing[@]} = 0 ] || printf 'not installed: %s\n' "${missing[*]}"
[ "${CLIENTS:-}" != all ] || failed=$((failed + ${#missing[@]}))
printf 'HTTP clients: %d clients, %d failures\n' "${#clients[@]}" "$failed"
[ "$failed" = 0 ]
