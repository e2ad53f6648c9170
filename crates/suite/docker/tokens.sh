# shellcheck shell=bash
# shellcheck disable=SC2154 # The variables are set in helpers.sh.
# The checks of run.sh on the tokens of the operator's API and of apps.

token() { compose exec -T server_1 server token "$@"; }

# with_token <expected status> <file with a token> <path> [curl arguments…]
with_token() {
    local expected=$1 token
    token=$(cat "$2") || return
    http "$expected" "http://localhost:8000$3" --header "Authorization: Bearer $token" "${@:4}"
}

new_tokens() {
    token >"$work/token" && token --nome painel --papel leitura >"$work/reading" &&
        token --nome turno --papel operador >"$work/operating"
}

# Of a posto that no other check uses.
changes_posto() {
    with_token "$1" "$2" /postos/9/disponibilidade --request PUT --header 'Content-Type: application/json' \
        --data '{"disponivel": true}'
}

tokens_hold() {
    with_token 200 "$work/token" /reservas && with_token 200 "$work/reading" /reservas &&
        changes_posto 200 "$work/operating" && changes_posto 403 "$work/reading"
}

is_revoked() { token --revogar painel && with_token 401 "$work/reading" /reservas; }

keeps_tokens_secret() {
    local file
    save_logs || return
    for file in token reading operating; do
        lacks -F -f "$work/$file" "$work/logs" || return
    done
}

check_tokens() {
    check server_1 "server token: the first one, and two with names" new_tokens || return 0
    check server_1 "each may do what its role says" tokens_hold || true
    check server_1 "none is in a log" keeps_tokens_secret || true
}

check_tokens_again() {
    check server_1 "the tokens hold after a restart" tokens_hold || true
    check server_1 "--revogar, at once" is_revoked || true
}

renews_token() {
    compose stop server_1 && compose run --rm -T server_1 server token --renovar >"$work/renewed" &&
        compose start server_1 && within 60 is_healthy server_1 &&
        with_token 401 "$work/token" /reservas && with_token 200 "$work/renewed" /reservas &&
        mv "$work/renewed" "$work/token"
}

# --- Apps -----------------------------------------------------------------------------------------

# A gateway that asks for tokens, from a folder of this machine.
apps_block() {
    cat <<YAML
  client_apps:
    <<: *client
    environment: {<<: *broker-address, MQTT_CLIENT_ID: apps, API_TOKENS_FILE: /apps/tokens}
    ports: ["8008:8001"]
    volumes: ["./apps:/apps:ro"]
YAML
}

# The first line is the token, the second one belongs into the file.
app_token() { compose run --rm -T --no-deps client_apps client token "$1" >"$work/$1"; }

reserves_as() {
    http "$1" http://localhost:8008/reservar --header 'Content-Type: application/json' \
        --header "Authorization: Bearer $(head -n 1 "$work/$2")" \
        --data "$(payload server1 | sed -e 's/ABC1234/GHI9012/' -e 's/"posto_id": 5/"posto_id": 8/')"
}

# The reserva of app1: to app2, it does not exist.
is_its_own() {
    local id
    id=$(body 'body["request_id"]')
    http 404 "http://localhost:8008/reservas/$id?server_id=server1" \
        --header "Authorization: Bearer $(head -n 1 "$work/app2")" &&
        http 200 "http://localhost:8008/reservas/$id?server_id=server1" \
            --header "Authorization: Bearer $(head -n 1 "$work/app1")"
}

starts_with_token() {
    compose build client_apps && mkdir apps && app_token app1 && sed -n 2p "$work/app1" >apps/tokens &&
        compose up --detach client_apps && within 60 is_healthy client_apps
}

takes_second_app() { app_token app2 && sed -n 2p "$work/app2" >>apps/tokens && within 5 reserves_as 409 app2; }

check_apps() {
    python3 crates/suite/readme.py paste "$(apps_block)"
    check client_apps "a gateway with tokens of apps" starts_with_token || return 0
    check client_apps "GET /postos without a token" within 15 lists_posto_5 8008 server1 || true
    check client_apps "POST /reservar without one: 401" reservar 401 8008 server1 || true
    check client_apps "with one" reserves_as 200 app1 || return 0
    cp "$work/body" "$work/reserva"
    check client_apps "another app's token, while it runs" takes_second_app || true
    cp "$work/reserva" "$work/body"
    check client_apps "each app sees its own reservas" is_its_own || true
}
