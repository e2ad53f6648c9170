#!/usr/bin/env bash
# Runs schemathesis (from PyPI) with all its checks against both HTTP APIs and their OpenAPI
# documents, with Mosquitto. First argument: examples for each operation (30 by default). The last
# line counts the APIs with findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly examples=${1:-30} seed=${SEED:-1}
readonly broker_port=22883 server_port=22000 client_port=22001
export PATH="$PATH:/usr/sbin" RUST_LOG=warn
work=$(mktemp -d)
pids=()
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

readonly here=$PWD/crates/suite venv=$PWD/target/schemathesis
[ -x "$venv/bin/schemathesis" ] || {
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'schemathesis==4.32.5'
}
cargo build --quiet
programs=$PWD/target/debug

printf 'listener %s 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n' "$broker_port" \
    >"$work/mosquitto.conf"
mosquitto -c "$work/mosquitto.conf" >/dev/null 2>&1 &
pids+=($!)
# Not another broker that has its port.
until mosquitto_pub -p "$broker_port" -t ready -n 2>/dev/null; do
    kill -0 "${pids[0]}"
    sleep 0.1
done
mkdir -p "$work/data/server1"
cp data/server1/postos.csv "$work/data/server1/"

"$programs/client" token app1 >"$work/app.tokens" 2>"$work/app.token"

# start <program> <port>: runs it in the work folder, with its log there.
start() {
    (cd "$work" && exec env MQTT_PORT=$broker_port HTTP_ADDR=127.0.0.1:"$2" SERVER_ID=server1 \
        MQTT_CLIENT_ID=cliente1 API_TOKENS_FILE=app.tokens TEMPO_LIMITE_POSTOS=2 TEMPO_LIMITE_RESERVA=2 \
        "$programs/$1" >"$work/$1.log" 2>&1) &
    pids+=($!)
    until HTTP_ADDR=127.0.0.1:$2 "$programs/$1" healthcheck 2>/dev/null; do
        kill -0 "${pids[-1]}"
        sleep 0.1
    done
}
start server "$server_port"
start client "$client_port"

# try <name> <port> <file with a token>
try() {
    printf '=== %s\n' "$1"
    # Schemathesis creates a folder in its working directory. The wrong tokens of `ignored_auth` all
    # come from one address, which soon gets 429; the servidor's own tests try each operation with
    # one, from an address of its own. `GET /eventos` does not end.
    (cd "$work" && "$venv/bin/schemathesis" --config-file "$here/schemathesis.toml" run \
        "http://127.0.0.1:$2/openapi.json" --checks all \
        --exclude-checks ignored_auth --exclude-path /eventos --max-examples "$examples" \
        --seed "$seed" --generation-database none --no-color --request-timeout 10 \
        --continue-on-failure --warnings off --header "Authorization: Bearer $(cat "$3")")
}
failed=0
try server "$server_port" "$work/data/server1.db.token" || failed=$((failed + 1))
try client "$client_port" "$work/app.token" || failed=$((failed + 1))
if grep -hE '"level":"ERROR"|panicked' "$work"/*.log; then
    failed=$((failed + 1))
fi
printf 'schemathesis: 2 APIs, %d with findings\n' "$failed"
[ "$failed" = 0 ]
