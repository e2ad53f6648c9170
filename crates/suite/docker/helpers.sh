# shellcheck shell=bash
# shellcheck disable=SC2034 # run.sh and deployment.sh use the variables.
# What run.sh and deployment.sh share. Commands apply to the compose project of the working
# directory, which is a copy of the checkout that bears the project's name.

readonly here=crates/suite/docker
readonly services=(broker server_1 server_2 client_servidor_1 client_servidor_2)
work=$(mktemp -d)
passed=0 failed=0
readonly outside_label=suite_docker_outside
export DOCKERD_PIDFILE=$work/dockerd.pid DOCKERD_LOG=$work/dockerd.log
# The ports are the defaults where a check does not say otherwise.
unset COMPOSE_PROJECT_NAME "${!PORTA_@}"

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null && continue
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$tool" >/dev/null
    done
}

# copy_checkout <folder>: the files of the checkout, changed and new ones included.
copy_checkout() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read 2>/dev/null | tar --extract --directory "$1"
}

compose() {
    local command=(docker-compose)
    if docker compose version >/dev/null 2>&1; then command=(docker compose); fi
    # In this process group, so that who ends the tests ends it too.
    timeout --foreground 3000 "${command[@]}" "$@"
}

# containers <project> [service]: their ids.
containers() {
    docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$1" \
        ${2:+--filter "label=com.docker.compose.service=$2"}
}

container() { containers "${PWD##*/}" "$1"; }

# inside <service> <command…>
inside() {
    local service=$1
    shift
    docker exec "$(container "$service")" "$@"
}

# beside <service> <shell command…>: runs where the file system of the service is /proc/1/root, as
# its user, with the programs of the broker's image. The images of the programs have no shell.
beside() {
    local service=$1
    shift
    docker run --rm --network none --user 10001:10001 --pid "container:$(container "$service")" \
        --entrypoint sh eclipse-mosquitto:2.0 -c "cd /proc/1/root && $*"
}

# Programs that run outside the network of the suite.
remove_outside() {
    docker ps --all --quiet --filter "label=$outside_label" |
        xargs --no-run-if-empty docker rm --force --volumes >/dev/null
}

# check <service whose log is shown on failure> <what> <command…>
check() {
    local service=$1 what=$2
    shift 2
    if "$@" >"$work/check.log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok   %s\n' "$what"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$what"
        tail -n 60 "$work/check.log"
        printf -- '--- log of %s\n' "$service"
        docker logs --tail 60 "$(container "$service")" 2>&1 || true
        printf -- '---\n'
        return 1
    fi
}

# within <seconds> <command…>: repeats until it succeeds; the last run decides.
within() {
    local end=$((SECONDS + $1))
    shift
    while [ "$SECONDS" -lt "$end" ]; do
        "$@" >/dev/null 2>&1 && break
        sleep 0.5
    done
    "$@"
}

# fails_with <text> <command…>: the command fails and prints the text.
fails_with() {
    local text=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        printf 'it succeeded\n'
        return 1
    fi
    cat "$work/output"
    grep -qF -e "$text" "$work/output"
}

# lacks <grep arguments…>: grep reads everything, and finds nothing.
lacks() {
    local code=0
    grep "$@" || code=$?
    [ "$code" = 1 ]
}

# save_logs [service…]: into $work/logs; fails if that has no line of a service, because nothing is found
# in it then. docker-compose 1.29 always writes a line of its own.
save_logs() { compose logs --no-color "$@" >"$work/logs" && grep -q ' | ' "$work/logs"; }

# http <expected status> <curl arguments…>: leaves the body in $work/body.
http() {
    local expected=$1 status
    shift
    status=$(curl --silent --show-error --location --max-time 20 --output "$work/body" \
        --write-out '%{http_code}' "$@") || return 1
    [ "$status" = "$expected" ] && return
    printf 'HTTP %s, not %s: ' "$status" "$expected"
    head -c 1000 "$work/body"
    printf '\n'
    return 1
}

# body <Python expression over `body`, the JSON in $work/body>: prints its value.
body() { python3 -c 'import json, sys; body = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$work/body" "$1"; }

# body_holds <Python expression>: fails unless it is true.
body_holds() {
    [ "$(body "$1")" = True ] && return
    printf 'not true: %s; the body: ' "$1"
    head -c 1000 "$work/body"
    printf '\n'
    return 1
}

is_healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")")" = healthy ]; }

# payload <server_id>: the seed's example with another server.
payload() {
    cat <<JSON
{
  "placa": "ABC1234",
  "modelo": "BYD Dolphin",
  "capacidade_bateria": 44.5,
  "nivel_bateria_atual": 22.3,
  "taxa_descarga": 0.19,
  "posto_id": 5,
  "server_id": "$1"
}
JSON
}

# reservar <expected status> <gateway's port> <server_id>
reservar() {
    http "$1" "http://localhost:$2/reservar" --header 'Content-Type: application/json' \
        --data "$(payload "$3")"
}

# lists_postos <gateway's port> <server_id>; lists_posto_5 also expects posto 5.
lists_postos() { http 200 "http://localhost:$1/postos?server_id=$2" && body_holds 'isinstance(body["postos"], list)'; }
lists_posto_5() { lists_postos "$1" "$2" && body_holds 'any(posto["id"] == 5 for posto in body["postos"])'; }

# admin_get <server's port> <service> <path>: asks the admin API with the token of that servidor.
admin_get() {
    local token
    token=$(compose exec -T "$2" server token) &&
        http 200 "http://localhost:$1$3" --header "Authorization: Bearer $token"
}

# admin_has, admin_lacks <server's port> <service>: whether the admin API lists the reserva.
admin_has() { admin_get "$1" "$2" /reservas && body_holds '"ABC1234" in str(body)'; }
admin_lacks() { admin_get "$1" "$2" /reservas && body_holds '"ABC1234" not in str(body)'; }
