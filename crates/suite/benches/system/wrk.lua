-- Reservations for wrk, with the body of the benchmark's own load generator (workload.rs). Each thread
-- has its own postos and its own numbers, so no posto is asked for twice at one time, and no placa
-- comes twice.
--
-- wrk -t THREADS -c CALLERS -d 4s -s wrk.lua http://GATEWAY/reservar -- THREADS SERVERS POSTOS BEGIN FIRST
--
-- BEGIN is the first `inicio`, in seconds since 1970; FIRST the number of the first placa.

local bit = require("bit")

-- As in placas.rs.
local SEED = 20261126
local COUNT = 26 ^ 4 * 10 ^ 3
local POWER = 2 ^ 29
local BASES = {{26, 65}, {26, 65}, {26, 65}, {10, 48}, {26, 65}, {10, 48}, {10, 48}}

local BODY = '{"placa":"%s","modelo":"BYD Dolphin","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,'
    .. '"taxa_descarga":0.19,"posto_id":%d,"server_id":"server%d","inicio":"%s","fim":"%s"}'
local TIME = "!%Y-%m-%dT%H:%M:%S.000Z"

local created = 0

function setup(thread)
    thread:set("thread_number", created)
    created = created + 1
end

function init(args)
    threads, servers, postos = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
    begin, first = tonumber(args[4]), tonumber(args[5])
    sent, slot = 0, -1
    wrk.method = "POST"
    wrk.headers["content-type"] = "application/json"
end

-- The low 29 bits of a product. The whole product is too long for a double.
local function multiply(number, odd)
    local low, high = odd % 65536, math.floor(odd / 65536)
    return (number * low + number * high % 8192 * 65536) % POWER
end

local function permute(number)
    local mixed = bit.bxor(number, SEED)
    for _, odd in ipairs({0x0d4f1a35, 0x1b873593}) do
        mixed = multiply(mixed, odd)
        mixed = bit.bxor(mixed, bit.rshift(mixed, 15))
    end
    return mixed
end

local function placa(number)
    local rest = number % COUNT
    repeat
        rest = permute(rest)
    until rest < COUNT
    local text = {}
    for place, base in ipairs(BASES) do
        text[place] = base[2] + rest % base[1]
        rest = math.floor(rest / base[1])
    end
    return string.char(unpack(text))
end

function request()
    local own_postos = math.floor(postos / threads)
    local server = sent % servers
    local posto = math.floor(sent / servers) % own_postos * threads + thread_number + 1
    local next_slot = math.floor(sent / servers / own_postos)
    if next_slot ~= slot then
        slot = next_slot
        inicio = os.date(TIME, begin + 2 * slot)
        fim = os.date(TIME, begin + 2 * slot + 1)
    end
    local car = placa(first + sent * threads + thread_number)
    sent = sent + 1
    return wrk.format(nil, nil, nil, BODY:format(car, posto, server + 1, inicio, fim))
end

-- An answer of 400 or more is in errors.status. An answer below that which made no reserva is found in
-- the databases, so no answer is read here.
function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("figures %d %d %d %d\n", summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
    for place = 1, #latency do
        io.write(string.format("latency %d %d\n", latency(place)))
    end
end
