#!/usr/bin/env bash
# The documents of both HTTP APIs and of MQTT: lints them, makes clients of them with two
# generators, checks their types and uses them, and presses every operation of /docs in Chromium.
# Tools are from npm and PyPI, and from Debian (chromium). One line for each check; the last one
# counts the failures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly broker_port=23883 websocket_port=23901
readonly server_ports=(23000 23003) client_ports=(23001 23002)
readonly here=$PWD/crates/suite tools=$PWD/target/api_documents
readonly closed_port=23006 closed_client_port=23007 programs=$PWD/target/debug
readonly closed=http://127.0.0.1:$closed_port closed_client=http://127.0.0.1:$closed_client_port
readonly server=http://127.0.0.1:${server_ports[0]} client=http://127.0.0.1:${client_ports[0]}
export RUST_LOG=warn npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false

mkdir -p "$tools"
[ -e "$tools/npm-1" ] || {
    npm install --silent --prefix "$tools" --save-exact @asyncapi/parser@3.6.6 @redocly/cli@2.77.0 \
        @stoplight/spectral-cli@6.16.3 @types/node@26.6.6 openapi-fetch@0.17.0 \
        openapi-typescript@7.13.0 playwright-core@1.65.1 typescript@5.9.3
    touch "$tools/npm-1"
}
[ -e "$tools/pip-1" ] || {
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet httpx==0.28.1 mypy==2.4.1 openapi-python-client==0.29.1
    touch "$tools/pip-1"
}
cargo build --quiet
[ -n "${OWN_NETWORK:-}" ] || OWN_NETWORK=yes exec "$here/own_network.sh" "$here/api_documents.sh" "$@"
export PATH="$tools/node_modules/.bin:$tools/venv/bin:$PATH"

work=$(mktemp -d)
pids=()
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
mkdir "$work/data"
cp -r data/server1 data/server2 "$work/data/"
rm -f "$work"/data/*/*.db*
target/debug/suite --data "$work/data" --broker-ports $broker_port $websocket_port \
    --server-ports "${server_ports[@]}" --client-ports "${client_ports[@]}" >"$work/suite.log" 2>&1 &
pids+=($!)
for _ in $(seq 300); do
    grep -q 'curl -X POST' "$work/suite.log" && break
    sleep 0.1
done

# start_closed <program> <port>: one that asks for tokens, as a servidor does where the suite does not
# listen on loopback.
start_closed() {
    (cd "$work" && exec env SERVER_ID=server3 POSTOS_CSV=data/server1/postos.csv MQTT_CLIENT_ID=cliente3 \
        API_TOKENS_FILE=app.tokens MQTT_PORT=$broker_port HTTP_ADDR=127.0.0.1:"$2" \
        "$programs/$1" >"$work/closed_$1.log" 2>&1) &
    pids+=($!)
    until HTTP_ADDR=127.0.0.1:$2 "$programs/$1" healthcheck 2>/dev/null; do
        kill -0 "${pids[-1]}"
        sleep 0.1
    done
}
"$programs/client" token app1 >"$work/app.tokens" 2>"$work/app.token"
start_closed server "$closed_port"
start_closed client "$closed_client_port"
token=$(cat "$work/data/server3.db.token")
app_token=$(cat "$work/app.token")

checks=0 failed=0
# check <name> <command>…: runs it, and shows what it printed if it fails.
check() {
    local name=$1
    shift
    checks=$((checks + 1))
    if (cd "$work" && "$@" >"$work/output" 2>&1); then
        printf 'ok: %s: %s\n' "$name" "$(grep -v '^$' "$work/output" | tail -n 1 | cut -c 1-120)"
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$name"
        cat "$work/output"
    fi
}

cp "$here"/api_documents/* "$work/"
ln -s "$tools/node_modules" "$work/node_modules"
printf '{"type":"module"}\n' >"$work/package.json"
curl -sS "$client/openapi.json" -o "$work/gateway.json"
curl -sS "$server/openapi.json" -o "$work/servidor.json"
curl -sS "$client/asyncapi.json" -o "$work/asyncapi.json"
curl -sS "$server/asyncapi.json" -o "$work/asyncapi_servidor.json"

for api in gateway servidor; do
    check "redocly, $api" redocly lint --config redocly.yaml "$api.json"
    check "spectral, $api" spectral lint --ruleset spectral.yaml --fail-severity warn "$api.json"
    check "openapi-typescript, $api" openapi-typescript "$api.json" --output "$api.d.ts"
    # It cannot send a file of text, so it warns and leaves out the one call that takes one.
    strict=(--fail-on-warning)
    if [ "$api" = servidor ]; then strict=(); fi
    check "openapi-python-client, $api" openapi-python-client generate --path "$api.json" \
        --config openapi-python-client.yaml --meta none --output-path "$api" "${strict[@]}"
    check "mypy --strict, $api" mypy --strict "$api"
done
check "AsyncAPI" node asyncapi.mjs asyncapi.json "$tools"
check "AsyncAPI, the same of both programs" cmp asyncapi.json asyncapi_servidor.json
check "tsc --strict" tsc --project .
check "the TypeScript client" node out/client.js "$closed_client" "$app_token"
check "mypy --strict, the Python client" mypy --strict client.py
check "the Python client" python client.py "$closed_client" "$app_token"

export TOOLS=$tools
checks=$((checks + 3))
node "$here/browser/press_operations.mjs" "$closed=$token" "$closed_client=$app_token" || failed=$((failed + 1))
node "$here/browser/authorize.mjs" "$closed" "$token" || failed=$((failed + 1))
node "$here/browser/another_origin.mjs" "$client" || failed=$((failed + 1))
printf 'API documents: %d checks, %d failed\n' "$checks" "$failed"
[ "$failed" = 0 ]
