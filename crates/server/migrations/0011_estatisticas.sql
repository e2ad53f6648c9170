-- What operators count, kept after what was counted is gone (docs/decisions/0083). No placa, no request.

-- Sums of what is no longer stored in whole, by hour since 1970 UTC. Times are milliseconds, energy is
-- in millionths of a kWh, money in centavos.
CREATE TABLE estatisticas (
    -- 0: all postos, so that a year of all of them is as many rows as a year of one.
    posto_id       INTEGER NOT NULL,
    hora           INTEGER NOT NULL,
    in_service     INTEGER NOT NULL,
    maintenance    INTEGER NOT NULL,
    out_of_service INTEGER NOT NULL,
    held           INTEGER NOT NULL,
    charging       INTEGER NOT NULL,
    made           INTEGER NOT NULL,
    cumprida       INTEGER NOT NULL,
    encerrada      INTEGER NOT NULL,
    nao_compareceu INTEGER NOT NULL,
    cancelada      INTEGER NOT NULL,
    -- Of these, why they were cancelled.
    pedido         INTEGER NOT NULL,
    operador       INTEGER NOT NULL,
    manutencao     INTEGER NOT NULL,
    posto_removido INTEGER NOT NULL,
    sessions       INTEGER NOT NULL,
    energy         INTEGER NOT NULL,
    cost           INTEGER NOT NULL,
    PRIMARY KEY (posto_id, hora)
) STRICT, WITHOUT ROWID;

-- Refusals, which are themselves deleted after 30 days.
CREATE TABLE estatisticas_recusas (
    -- 0: all postos, and what was refused because there is no such posto or reserva.
    posto_id INTEGER NOT NULL,
    hora     INTEGER NOT NULL,
    -- As in `refusals`.
    recusa   TEXT    NOT NULL,
    quantas  INTEGER NOT NULL,
    PRIMARY KEY (posto_id, hora, recusa)
) STRICT, WITHOUT ROWID;

-- When each posto existed, and whether it was in service. Times that begin and end within one hour are
-- in `estatisticas`: a charger that changes every second makes no more rows than the hours have.
CREATE TABLE estatisticas_servico (
    posto_id       INTEGER NOT NULL,
    desde          INTEGER NOT NULL,
    -- NULL: still.
    ate            INTEGER CHECK (ate > desde),
    in_service     INTEGER NOT NULL CHECK (in_service IN (0, 1)),
    em_manutencao  INTEGER NOT NULL CHECK (em_manutencao IN (0, 1)),
    PRIMARY KEY (posto_id, desde)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX estatisticas_servico_now ON estatisticas_servico (posto_id) WHERE ate IS NULL;

-- Has a row until what the migration before this one has archived is in the sums.
CREATE TABLE estatisticas_due (
    id INTEGER PRIMARY KEY CHECK (id = 1)
) STRICT;
INSERT INTO estatisticas_due (id)
SELECT 1 WHERE EXISTS (SELECT 1 FROM archived_reservas) OR EXISTS (SELECT 1 FROM archived_carregamentos);

-- Earlier releases did not store since when a posto exists, nor when it was in service. It counts as in
-- service from its first trace, which indexes find, and as it is from now on. Of sessions that is the one
-- that was recorded first, as far as it counts in other sums, and not one of before 2020: a charger with a
-- wrong clock reports sessions of 1970.
WITH traces AS (
    SELECT p.id AS posto_id, p.removed_at, CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now, min(
        COALESCE((SELECT min(quando) FROM auditoria
                  WHERE alvo = 'posto/' || p.id AND acao IN ('criar', 'importar') AND antes IS NULL),
                 9e15),
        COALESCE((SELECT created_at FROM reservas WHERE posto_id = p.id AND held_until IS NOT NULL
                  ORDER BY held_until LIMIT 1), 9e15),
        COALESCE((SELECT created_at FROM reservas WHERE posto_id = p.id AND held_until IS NULL
                  ORDER BY COALESCE(livre_desde, desde) LIMIT 1), 9e15),
        COALESCE((SELECT created_at FROM archived_reservas WHERE posto_id = p.id ORDER BY fim LIMIT 1),
                 9e15),
        COALESCE((SELECT max(inicio, COALESCE(fim, unixepoch() * 1000) - 366 * 86400000)
                  FROM carregamentos WHERE posto_id = p.id AND inicio > 1577836800000
                  ORDER BY id LIMIT 1), 9e15),
        COALESCE((SELECT max(inicio, fim - 366 * 86400000)
                  FROM archived_carregamentos WHERE posto_id = p.id AND inicio > 1577836800000
                  ORDER BY id LIMIT 1), 9e15)) AS first
    FROM postos AS p
)
INSERT INTO estatisticas_servico (posto_id, desde, ate, in_service, em_manutencao)
SELECT posto_id, CAST(first AS INTEGER), min(now, COALESCE(removed_at, now)), 1, 0
FROM traces WHERE first < min(now, COALESCE(removed_at, now));
INSERT INTO estatisticas_servico (posto_id, desde, ate, in_service, em_manutencao)
SELECT p.id, COALESCE((SELECT max(ate) FROM estatisticas_servico WHERE posto_id = p.id),
                      CAST(unixepoch('subsec') * 1000 AS INTEGER)),
       NULL, p.in_service, p.em_manutencao
FROM postos AS p WHERE p.removed_at IS NULL;

-- Those of the last 30 days. Of a change and of a cancellation it is not counted at which posto.
WITH known AS (
    SELECT CASE rejection WHEN 'posto_inexistente' THEN 0 ELSE posto_id END AS posto_id,
           decided_at / 3600000 AS hora, rejection AS recusa
    FROM refusals
    UNION ALL
    SELECT 0, decided_at / 3600000, rejection FROM refused_cancellations
    UNION ALL
    SELECT 0, decided_at / 3600000, json_extract(answer, '$.rejection') FROM all_alteracoes
    WHERE json_extract(answer, '$.rejection') IS NOT NULL
)
INSERT INTO estatisticas_recusas (posto_id, hora, recusa, quantas)
SELECT posto_id, hora, recusa, count(*) FROM known WHERE posto_id > 0 GROUP BY 1, 2, 3
UNION ALL
SELECT 0, hora, recusa, count(*) FROM known GROUP BY 2, 3;
