#!/usr/bin/env bash
# Tests the system as Docker users run it: base images, `docker-compose up --build`, and the flows
# of the README with curl from outside. Ends with `docker: N passed, M failed` and removes all that
# it started. It is its own compose project, so your volumes stay untouched.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
readonly here=crates/suite/docker project=suite_docker_test
readonly services=(broker server_1 server_2 client_servidor_1 client_servidor_2)
work=$(mktemp -d)
compose_file=docker-compose.yml
passed=0 failed=0
export DOCKERD_PIDFILE=$work/dockerd.pid DOCKERD_LOG=$work/dockerd.log

# --- Tools ---------------------------------------------------------------------------------------

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null && continue
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$tool" >/dev/null
    done
}

compose() {
    local command=(docker-compose)
    if docker compose version >/dev/null 2>&1; then command=(docker compose); fi
    timeout 3000 "${command[@]}" --project-name "$project" --project-directory "$PWD" \
        --file "$compose_file" "$@"
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
        docker logs --tail 60 "$service" 2>&1 || true
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

health() { docker inspect --format '{{.State.Health.Status}}' "$1"; }
is_healthy() { [ "$(health "$1")" = healthy ]; }

# --- The checks ----------------------------------------------------------------------------------

readonly mensagem='O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234.'

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

reserves() {
    reservar 200 8001 server1 && body_holds 'body["status"] == "sucesso"' &&
        body_holds "body[\"mensagem\"] == \"$mensagem\""
}

refuses_twice() { reservar 409 "$1" server1 && body_holds 'body["codigo"] == "posto_ja_reservado_para_este_carro"'; }
refuses_unknown() { reservar 503 8001 server77 && body_holds 'body["codigo"] == "servidor_indisponivel"'; }

# admin_has, admin_lacks <server's port>: whether the admin API lists the reserva.
admin_has() { http 200 "http://localhost:$1/reservas" && body_holds '"ABC1234" in str(body)'; }
admin_lacks() { http 200 "http://localhost:$1/reservas" && body_holds '"ABC1234" not in str(body)'; }

presence() {
    local message
    message=$(python3 "$here/mqtt_connect.py" "$1" "$2" server/server1/status) || return
    printf '%s\n' "$message"
    [[ $message == *'"online"'* ]]
}

logged() { compose logs --no-color "$1" | grep -F -e "$2" >/dev/null; }

stops_cleanly() {
    local started=$SECONDS
    compose stop "$1" || return
    printf 'exit code %s after %s s\n' "$(docker inspect --format '{{.State.ExitCode}}' "$1")" $((SECONDS - started))
    [ "$(docker inspect --format '{{.State.ExitCode}}' "$1")" = 0 ] && [ $((SECONDS - started)) -le 6 ]
}

# block <service>: its lines in docker-compose.yml.
block() { awk -v start="  $1:" '$0 == start { on = 1 } on && /^$/ { exit } on' docker-compose.yml; }

# The edits that the README describes for a third server and a third gateway.
with_thirds() {
    sed '/^networks:/,$d' docker-compose.yml
    block server_2 | sed -e 's/server_2/server_3/' -e 's/server2/server3/' -e 's/8003:/8005:/'
    printf '\n'
    block client_servidor_2 |
        sed -e 's/client_servidor_2/client_servidor_3/' -e 's/cliente2/cliente3/' -e 's/8002:/8004:/'
    printf '\n'
    sed -n '/^networks:/,$p' docker-compose.yml
    printf '  server_3_data:\n'
}

container_ids() { docker inspect --format '{{.Id}} {{.State.StartedAt}}' "${services[@]}"; }

join_thirds() {
    local before
    before=$(container_ids)
    compose up --build --detach server_3 client_servidor_3 || return
    [ "$(container_ids)" = "$before" ] || { printf 'services were started anew\n' && return 1; }
}

leaves_no_volume() {
    compose down --volumes || return
    [ -z "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project")" ]
}

sizes() {
    local service base image
    base=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' server.Dockerfile)
    base=$(docker image inspect --format '{{.Size}}' "$base")
    for service in server_1 client_servidor_1; do
        image=$(docker image inspect --format '{{.Size}}' "$(docker inspect --format '{{.Image}}' "$service")")
        printf 'image of %s: %d MB, %d MB of it ours\n' "$service" $((image / 1000000)) $(((image - base) / 1000000))
    done
    docker stats --no-stream --format 'memory of {{.Name}}: {{.MemUsage}}' "${services[@]}"
}

# Returns early where nothing further can work; otherwise continues after a failure.
run_checks() {
    local service port request_id started=$SECONDS
    check broker "docker-compose up --build" compose up --build --detach || return 0
    for service in "${services[@]}"; do
        check "$service" "$service is healthy" within 60 is_healthy "$service" || return 0
    done
    printf 'built, up and healthy in %s s\n' $((SECONDS - started))
    sizes

    # A gateway learns of a server shortly after both are healthy.
    check client_servidor_1 "GET /postos of server1" within 15 lists_posto_5 8001 server1 || return 0
    check client_servidor_2 "GET /postos of server2, other gateway" within 15 lists_posto_5 8002 server2 || true
    check server_1 "POST /reservar with the seed's payload" reserves || return 0
    request_id=$(body 'body["request_id"]')
    check client_servidor_1 "the gateway logs request_id $request_id" logged client_servidor_1 "$request_id" || true
    check server_1 "the server logs the same request_id" logged server_1 "$request_id" || true
    check server_1 "the same again: 409" refuses_twice 8001 || true
    check server_1 "the same through the other gateway: 409" refuses_twice 8002 || true
    check client_servidor_1 "an unknown servidor: 503" refuses_unknown || true
    check server_1 "isolation: server1 has the reserva" admin_has 8000 || true
    check server_2 "isolation: server2 does not" admin_lacks 8003 || true
    for port in 8000 8003 8001 8002; do
        check server_1 "/docs on $port" http 200 "http://localhost:$port/docs" || true
    done
    check broker "MQTT on 1883: server1 is online" presence tcp 1883 || true
    check broker "MQTT over WebSocket on 9001: server1 is online" presence ws 9001 || true

    check server_1 "docker-compose restart server_1" compose restart server_1 || true
    check server_1 "server_1 is healthy again" within 60 is_healthy server_1 || true
    check server_1 "the reserva is still there" admin_has 8000 || true
    check server_1 "and still holds: 409" within 15 refuses_twice 8001 || true

    check broker "docker-compose restart broker" compose restart broker || true
    check broker "broker is healthy again" within 60 is_healthy broker || true
    check client_servidor_1 "the gateway reaches server1 again" within 30 lists_posto_5 8001 server1 || true

    with_thirds >"$work/docker-compose.yml"
    compose_file=$work/docker-compose.yml
    check broker "server_3 and client_servidor_3 join, the others run on" join_thirds || return 0
    for service in server_3 client_servidor_3; do
        check "$service" "$service is healthy" within 60 is_healthy "$service" || true
    done
    check server_3 "GET /postos of server3, first gateway" within 15 lists_postos 8001 server3 || true
    check client_servidor_3 "GET /postos of server1, third gateway" within 15 lists_posto_5 8004 server1 || true
    check client_servidor_3 "the reserva seen from the third gateway: 409" refuses_twice 8004 || true
    for port in 8004 8005; do
        check server_3 "/docs on $port" http 200 "http://localhost:$port/docs" || true
    done

    check server_2 "server_2 stops within 5 s, exit code 0" stops_cleanly server_2 || true
    check client_servidor_2 "client_servidor_2 too" stops_cleanly client_servidor_2 || true
    check broker "docker-compose down -v leaves no volume" leaves_no_volume || true
}

# --- Main --------------------------------------------------------------------------------------

# Container names are fixed, so a running system of yours would conflict.
no_other_system_runs() {
    local service owner
    for service in "${services[@]}"; do
        owner=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.project"}}' \
            "$service" 2>/dev/null) || continue
        [ "$owner" = "$project" ] && continue
        printf 'a container %s is there already: bring your system down first (docker-compose down)\n' "$service"
        return 1
    done
}

clean_up() {
    local pid
    if [ "$owns_containers" = true ]; then compose down --volumes >/dev/null 2>&1 || true; fi
    # The file exists only if base-images.sh started dockerd in this run.
    if [ -s "$DOCKERD_PIDFILE" ]; then
        pid=$(cat "$DOCKERD_PIDFILE")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 60); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.5
        done
    fi
    rm -rf "$work"
}
owns_containers=false
trap clean_up EXIT

need curl python3
bash "$here/base-images.sh"
no_other_system_runs
owns_containers=true
compose down --volumes >/dev/null 2>&1 || true # left by a killed run

run_checks
printf 'docker: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
