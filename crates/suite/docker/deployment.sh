# shellcheck shell=bash
# shellcheck disable=SC2154 # The variables are set in helpers.sh.
# The checks of run.sh on what an operator changes: services that are added, a second checkout,
# ports, listeners, folders.

# --- What a container may see and write ------------------------------------------------------------

cannot_write() { fails_with 'Read-only file system' beside "$1" touch ./x; }
broker_cannot_write() { fails_with 'Read-only file system' inside broker touch /usr/local/bin/x /x; }
can_write() { beside "$1" "touch .$2/x && rm .$2/x"; }

# gave_up_all <service> <process>: no process of that name is root, has capabilities, or can get any.
gave_up_all() {
    docker run --rm --network none --pid "container:$(container "$1")" --entrypoint sh eclipse-mosquitto:2.0 \
        -c "cat \$(grep -lx 'Name:.$2' /proc/[0-9]*/status)" >"$work/statuses" || return
    awk '/^Name:/ { found = 1 }
        /^[UG]id:/ && / 0( |$)/ || /^Cap(Inh|Prm|Eff|Amb):/ && $2 !~ /^0+$/ || /^NoNewPrivs:/ && $2 != 1 {
            print
            bad = 1
        }
        END { exit bad || !found }' <(tr '\t' ' ' <"$work/statuses")
}
has_licences() { beside "$1" "test -s usr/share/doc/$2/LICENSE-MIT -a -s usr/share/doc/$2/LICENSE-APACHE"; }

# Nothing can be run in it but the program, and the init process that Docker mounts.
runs_only() {
    local found
    fails_with 'executable file not found' inside "$1" sh -c true || return
    found=$(beside "$1" "find . -xdev -type f -perm -1 ! -name '*.so.*' ! -name docker-init ! -name .dockerenv")
    printf '%s\n' "$found"
    [ "$found" = "./usr/local/bin/$2" ]
}

# sees_one_file <service> <server_id>: of all postos.csv, only its own.
sees_one_file() {
    local found
    found=$(beside "$1" find app -name postos.csv)
    printf '%s\n' "$found"
    [ "$found" = "app/data/$2/postos.csv" ]
}

check_containers() {
    local service
    check broker "the file system of the broker is read-only" broker_cannot_write || true
    for service in "${services[@]:1}"; do
        check "$service" "the file system of $service is read-only" cannot_write "$service" || true
    done
    check server_1 "server_1 writes temporary files" can_write server_1 /tmp || true
    check server_1 "server_1 writes data" can_write server_1 /app/data || true
    check server_1 "server_1 has no shell, and no program but its own" runs_only server_1 server || true
    check client_servidor_1 "client_servidor_1 neither" runs_only client_servidor_1 client || true
    check server_1 "server_1 sees no other servidor's postos.csv" sees_one_file server_1 server1 || true
    check server_2 "server_2 neither" sees_one_file server_2 server2 || true
    check server_1 "server_1 is not root, has no capabilities, and gets none" gave_up_all server_1 server || true
    check client_servidor_1 "nor does client_servidor_1" gave_up_all client_servidor_1 client || true
    check broker "nor does the broker" gave_up_all broker mosquitto || true
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

# --- Backups ---------------------------------------------------------------------------------------

# holds <placa…>: server1 has the reservas of these carros, and no other.
holds() {
    admin_get 8000 server_1 /reservas &&
        body_holds "sorted(reserva['placa'] for reserva in body['reservas']) == '$*'.split()"
}

backs_up() {
    compose exec -T server_1 server backup - >"$work/backup.db"
}

# Reserves posto 6, for a carro that the backup does not have.
reserves_posto_6() {
    http 200 http://localhost:8001/reservar --header 'Content-Type: application/json' \
        --data "$(payload server1 | sed -e 's/ABC1234/DEF5678/' -e 's/"posto_id": 5/"posto_id": 6/')"
}

restores() {
    compose stop server_1 &&
        compose run --rm -T server_1 server restaurar - <"$work/backup.db" &&
        compose start server_1 && within 60 is_healthy server_1
}

restored_tokens() { with_token 200 "$work/token" /reservas && with_token 401 "$work/operating" /reservas; }

check_backup() {
    check server_1 "server backup while server_1 runs, and the copy on this machine" backs_up || return 0
    check server_1 "a reserva after the backup" reserves_posto_6 || true
    check server_1 "server token --renovar" renews_token || true
    check server_1 "server restaurar of that copy" restores || true
    check server_1 "what the backup had is there, and nothing else" holds ABC1234 || true
    check server_1 "the first token holds, those with names are revoked" restored_tokens || true
}

# --- A servidor whose files come later -----------------------------------------------------------------

# The second volume of server_4 does not exist on this machine: Docker makes the folder.
later_block() {
    cat <<YAML
  server_4:
    <<: *server
    environment: {MQTT_BROKER: broker, SERVER_ID: server4}
    ports: ["8006:8000"]
    volumes: [server_4_data:/app/data, ./data/server4:/app/data/server4:ro]
YAML
}

# As the README of the system that this ports shows it, with the build of this one.
seed_block() {
    cat <<YAML
  server_5:
    build: {context: ., dockerfile: server.Dockerfile}
    environment:
      - DATABASE_URL=sqlite:///./data/server5.db
      - MQTT_BROKER=broker
      - MQTT_PORT=1883
      - SERVER_ID=server5
    ports:
      - "8007:8000"
    volumes:
      - ./server/Server_5/data:/app/data
    depends_on:
      - broker
    networks:
      - carregamento_network
YAML
}

has_postos() { http 200 "http://localhost:$1/postos" && body_holds "len(body['postos']) == $2"; }

gets_its_file_later() {
    cp data/server1/postos.csv data/server4/
    compose restart server_4 && within 60 is_healthy server_4 && has_postos 8006 120
}

imports_more() {
    printf 'id,nome,latitude,longitude,status\n,Posto novo,-23.5,-46.6,disponivel\n' >data/server4/mais.csv &&
        compose exec -T server_4 server importar data/server4/mais.csv && has_postos 8006 121
}

names_the_remedy() { logged server_5 'may not write to' && logged server_5 'chown 10001:'; }

starts_after_chown() {
    docker run --rm --volume "$PWD/server/Server_5/data:/data" eclipse-mosquitto:2.0 chown 10001 /data &&
        compose up --detach server_5 && within 60 is_healthy server_5
}

check_late_files() {
    local block
    for block in "$(later_block)" "$(seed_block)" "  server_4_data:"; do
        python3 crates/suite/readme.py paste "$block"
    done
    check server_4 "a servidor without a file starts" compose up --build --detach server_4 || return 0
    check server_4 "and has no postos" within 60 has_postos 8006 0 || true
    check server_4 "its file comes later, and it reads it at its next start" gets_its_file_later || true
    check server_4 "server importar of another file" imports_more || true
    check server_5 "the seed's own block, with a folder of this machine" compose up --build --detach server_5 || true
    check server_5 "a folder that it may not write: the log names it, the user and the remedy" \
        within 20 names_the_remedy || true
    check server_5 "after chown it runs" starts_after_chown || true
}

# --- A second checkout beside the first ----------------------------------------------------------------

# set_connection_messages true|false: whether the broker logs who connects.
set_connection_messages() { sed -i "s/^connection_messages .*/connection_messages $1/" mosquitto/mosquitto.conf; }

# The health check looks at ports and does not connect: meanwhile it has looked twice. The connection from
# outside shows that such a line would be there.
makes_no_connection() {
    restarts_broker && within 20 presence tcp 12883 && sleep 8 && save_logs broker &&
        grep -q 'New connection from' "$work/logs" && lacks -F ' from 127.0.0.1' "$work/logs"
}

no_noise() {
    local status=0
    set_connection_messages true
    makes_no_connection || status=$?
    set_connection_messages false
    return "$status"
}

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
        compose up --build --detach broker server_1 client_servidor_1 || return 0
    check server_1 "its gateway lists its server1" within 60 lists_posto_5 19001 server1 || true
    check server_1 "it has its own data: posto 5 is free" reservar 200 19001 server1 || true
    check broker "BROKER_ABERTO=sim opens its broker, and the log says so" opens_the_door || true
    check broker "its MQTT on 12883" within 20 presence tcp 12883 || true
    check broker "its MQTT over WebSocket on 20001" presence ws 20001 || true
    check broker "the broker's health check makes no connection" no_noise || true
    check broker "without it, it is closed" closes_the_door || true
    check broker "with a certificate the outside door speaks TLS only" starts_with_certificate || true
    check broker "usuario recarregar takes a new certificate" renews_certificate || true
    check_two_hosts
    check client_servidor_1 "--scale of a gateway is refused, and says why" scale_is_refused || true
    check broker "a listener of the operator's own is opened too" opens_own_listener || true
    check broker "one in place of a door is refused, and the log says so" refuses_own_door || true
    compose down --volumes >"$work/down.log" 2>&1 || true
    cd "$first" || return
    check broker "the first checkout runs on" run_on "$work/first" || true
}
