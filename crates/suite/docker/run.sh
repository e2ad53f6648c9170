#!/usr/bin/env bash
# Tests the system as Docker users run it: base images, `docker-compose up --build`, and the flows
# of the README with curl from outside. Ends with `docker: N passed, M failed` and removes all that
# it started. It works in copies of the checkout, so your volumes stay untouched; the default ports
# must be free.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
# shellcheck source=crates/suite/docker/helpers.sh
. crates/suite/docker/helpers.sh
# shellcheck source=crates/suite/docker/deployment.sh
. crates/suite/docker/deployment.sh
# shellcheck source=crates/suite/docker/doors.sh
. crates/suite/docker/doors.sh
# shellcheck source=crates/suite/docker/tokens.sh
. crates/suite/docker/tokens.sh
readonly projects=(suite_docker_test suite_docker_second suite_docker_readme)

# --- The checks ----------------------------------------------------------------------------------

readonly mensagem='O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234.'

reserves() {
    reservar 200 8001 server1 && body_holds 'body["status"] == "sucesso"' &&
        body_holds "body[\"mensagem\"] == \"$mensagem\""
}

refuses_twice() { reservar 409 "$1" server1 && body_holds 'body["codigo"] == "posto_ja_reservado_para_este_carro"'; }
refuses_unknown() { reservar 503 8001 server77 && body_holds 'body["codigo"] == "servidor_indisponivel"'; }

logged() { compose logs --no-color "$1" | grep -F -e "$2" >/dev/null; }

stops_cleanly() {
    local started=$SECONDS code
    docker stop --time 10 "$(container "$1")" || return
    code=$(docker inspect --format '{{.State.ExitCode}}' "$(container "$1")")
    printf 'exit code %s after %s s\n' "$code" $((SECONDS - started))
    [ "$code" = 0 ] && [ $((SECONDS - started)) -le 6 ]
}

leaves_no_volume() {
    compose down --volumes || return
    [ -z "$(docker volume ls --quiet --filter "label=com.docker.compose.project=${PWD##*/}")" ]
}

sizes() {
    local service image
    for service in server_1 client_servidor_1; do
        image=$(docker inspect --format '{{.Image}}' "$(container "$service")")
        image=$(docker image inspect --format '{{.Size}}' "$image")
        printf 'image of %s: %d MB\n' "$service" $((image / 1000000))
    done
    containers "${PWD##*/}" | xargs docker stats --no-stream --format 'memory of {{.Name}}: {{.MemUsage}}'
}

# Returns early where nothing further can work; otherwise continues after a failure.
run_checks() {
    local port request_id service started=$SECONDS
    check broker "docker-compose up --build" compose up --build --detach || return 0
    for service in "${services[@]}"; do
        check "$service" "$service is healthy" within 60 is_healthy "$service" || return 0
    done
    printf 'built, up and healthy in %s s\n' $((SECONDS - started))
    sizes
    check_containers

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
    check server_1 "isolation: server1 has the reserva" admin_has 8000 server_1 || true
    check server_2 "isolation: server2 does not" admin_lacks 8003 server_2 || true
    check server_1 "without a token: 401" http 401 http://localhost:8000/reservas || true
    for port in 8000 8003 8001 8002; do
        check server_1 "/docs on $port" http 200 "http://localhost:$port/docs" || true
    done
    check_tokens
    check_doors

    check server_1 "docker-compose restart server_1" compose restart server_1 || true
    check server_1 "server_1 is healthy again" within 60 is_healthy server_1 || true
    check server_1 "the reserva is still there" admin_has 8000 server_1 || true
    check server_1 "and still holds: 409" within 15 refuses_twice 8001 || true
    check_tokens_again

    check broker "docker-compose restart broker" compose restart broker || true
    check broker "broker is healthy again" within 60 is_healthy broker || true
    check client_servidor_1 "the gateway reaches server1 again" within 30 lists_posto_5 8001 server1 || true

    check_thirds
    check_backup
    check_apps
    check_late_files
    check_second_checkout

    check server_2 "server_2 stops within 5 s, exit code 0" stops_cleanly server_2 || true
    check client_servidor_2 "client_servidor_2 too" stops_cleanly client_servidor_2 || true
    check broker "docker-compose down -v leaves no volume" leaves_no_volume || true
    check_doors_again
}

# --- Main --------------------------------------------------------------------------------------

# Removes the containers and volumes of all projects, those of a killed run too.
remove_projects() {
    local project
    remove_outside
    for project in "${projects[@]}"; do
        containers "$project" | xargs --no-run-if-empty docker rm --force --volumes
        docker volume ls --quiet --filter "label=com.docker.compose.project=$project" |
            xargs --no-run-if-empty docker volume rm
        docker network ls --quiet --filter "label=com.docker.compose.project=$project" |
            xargs --no-run-if-empty docker network rm
    done
}

clean_up() {
    local pid
    if docker info >/dev/null 2>&1; then remove_projects >/dev/null 2>&1 || true; fi
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
trap clean_up EXIT

need curl git openssl python3
bash "$here/base-images.sh"
remove_projects >/dev/null
for project in "${projects[@]}"; do copy_checkout "$work/$project"; done

cd "$work/suite_docker_test"
run_checks
cd "$work/suite_docker_readme"
check broker "the README's commands, as pasted" python3 crates/suite/readme.py docker || true
printf 'docker: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
