# shellcheck shell=bash
# shellcheck disable=SC2154 # The variables are set in helpers.sh.
# The checks of run.sh on what an operator changes: services that are added, a second checkout,
# ports, listeners, folders.

# --- What a container may see and write ------------------------------------------------------------

cannot_write() { fails_with 'Read-only file system' inside "$1" touch /usr/local/bin/x /x; }
can_write() { inside "$1" touch "$2/x" && inside "$1" rm "$2/x"; }
has_no_capabilities() { inside "$1" grep -q '^CapEff:.0*$' /proc/1/status; }
has_licences() { inside "$1" test -s "/usr/share/doc/$2/LICENSE-MIT" -a -s "/usr/share/doc/$2/LICENSE-APACHE"; }

# The process of mosquitto, which runs beside the init process, has given up what root could do.
broker_is_not_root() {
    # shellcheck disable=SC2016
    inside broker sh -c '
        for status in /proc/[0-9]*/status; do
            grep -q "^Name:.mosquitto$" "$status" || continue
            grep -q "^Uid:.1883" "$status" && grep -q "^CapEff:.0*$" "$status" && exit 0
        done
        exit 1'
}

# sees_one_file <service> <server_id>: of all postos.csv, only its own.
sees_one_file() {
    local found
    found=$(inside "$1" find /app -name postos.csv)
    printf '%s\n' "$found"
    [ "$found" = "/app/data/$2/postos.csv" ]
}

check_containers() {
    local service
    for service in "${services[@]}"; do
        check "$service" "the file system of $service is read-only" cannot_write "$service" || true
    done
    check server_1 "server_1 writes temporary files and data" can_write server_1 /tmp || true
    check server_1 "server_1 sees no other servidor's postos.csv" sees_one_file server_1 server1 || true
    check server_2 "server_2 neither" sees_one_file server_2 server2 || true
    check server_1 "server_1 has no capabilities" has_no_capabilities server_1 || true
    check client_servidor_1 "client_servidor_1 neither" has_no_capabilities client_servidor_1 || true
    check broker "the broker runs as the user mosquitto, without capabilities" broker_is_not_root || true
    check server_1 "the image of a servidor has its licences" has_licences server_1 server || true
    check client_servidor_1 "that of a gateway too" has_licences client_servidor_1 client || true
}

# --- One more of each --------------------------------------------------------------------------------

# running <project>: which containers run, and since when.
running() { containers "$1" | xargs docker inspect --format '{{.Id}} {{.State.StartedAt}}' | sort; }

# Fails unless all containers of the list $1 run on.
run_on() {
    running "${PWD##*/}" >"$work/running"
    [ -z "$(comm -23 "$1" "$work/running")" ] || { printf 'services were started anew\n' && return 1; }
}

# With the blocks that the README shows, and a CSV of its own.
join_thirds() {
    running "${PWD##*/}" >"$work/before"
    python3 crates/suite/readme.py paste
    mkdir -p data/server3
    printf 'id,nome,latitude,longitude,status\n9,Posto do terceiro,-23.5,-46.6,disponivel\n' \
        >data/server3/postos.csv
    compose up --build --detach || return
    run_on "$work/before"
}

lists_its_own_file() {
    lists_postos 8001 server3 && body_holds '[posto["nome"] for posto in body["postos"]] == ["Posto do terceiro"]'
}

check_thirds() {
    local service port
    check broker "server_3 and client_servidor_3 join by docker-compose up --build, the others run on" \
        join_thirds || return 0
    for service in server_3 client_servidor_3; do
        check "$service" "$service is healthy" within 60 is_healthy "$service" || true
    done
    check server_3 "server3 has the postos of its own file" within 15 lists_its_own_file || true
    check server_3 "server_3 sees no other servidor's postos.csv" sees_one_file server_3 server3 || true
    check client_servidor_3 "GET /postos of server1, third gateway" within 15 lists_posto_5 8004 server1 || true
    check client_servidor_3 "the reserva seen from the third gateway: 409" refuses_twice 8004 || true
    for port in 8004 8005; do
        check server_3 "/docs on $port" http 200 "http://localhost:$port/docs" || true
    done
}

# --- A second checkout beside the first ----------------------------------------------------------------

# broker_with <port>: starts the broker with this listener in place of those of mosquitto.conf.
broker_with() {
    sed -i -e '/^listener /d' -e '/^protocol /d' mosquitto/mosquitto.conf
    printf 'listener %s\n' "$1" >>mosquitto/mosquitto.conf
    compose restart broker || return
    within 40 is_healthy broker
}

# The health check looks at ports and does not connect.
no_noise() { ! compose logs --no-color broker | grep -F ' from 127.0.0.1'; }

scale_is_refused() {
    running "${PWD##*/}" >"$work/before"
    fails_with 'port is already allocated' compose up --detach --no-build --scale client_servidor_1=2 client_servidor_1 ||
        return
    compose rm --force --stop client_servidor_1 >/dev/null 2>&1 || true
    compose up --detach --no-build client_servidor_1
}

check_second_checkout() {
    local first=$PWD second=$work/suite_docker_second
    running "${first##*/}" >"$work/first"
    cd "$second" || return
    # Every port moves by 11000.
    awk -F= '/^PORTA_/ { $2 += 11000 } { print }' OFS== .env.example >.env
    check broker "a second checkout beside the first, on other ports" \
        compose up --detach broker server_1 client_servidor_1 || return 0
    check server_1 "its gateway lists its server1" within 60 lists_posto_5 19001 server1 || true
    check server_1 "it has its own data: posto 5 is free" reservar 200 19001 server1 || true
    check broker "its MQTT on 12883" presence tcp 12883 || true
    check broker "its MQTT over WebSocket on 20001" presence ws 20001 || true
    check client_servidor_1 "--scale of a gateway is refused, and says why" scale_is_refused || true
    check broker "the broker's health check makes no connection" no_noise || true
    check broker "the broker is healthy without its listener 9001" broker_with 1883 || true
    check broker "the broker is healthy with one listener on another port" broker_with 1885 || true
    compose down --volumes >"$work/down.log" 2>&1 || true
    cd "$first" || return
    check broker "the first checkout runs on" run_on "$work/first" || true
}
