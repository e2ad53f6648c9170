-- What ended long ago leaves the tables that reservations are decided by (docs/decisions/0082). Nothing
-- in the archive holds a posto, so no trigger guards it, and no foreign key leads into it or out of it.

CREATE TABLE archived_reservas (
    id          INTEGER PRIMARY KEY,
    request_id  TEXT,
    posto_id    INTEGER NOT NULL,
    placa       TEXT,
    inicio      INTEGER NOT NULL,
    fim         INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    fingerprint BLOB,
    nome        TEXT,
    app         TEXT,
    client_id   TEXT,
    desde       INTEGER NOT NULL,
    motivo      TEXT,
    -- Of what held its posto until its end, that end: it holds nothing more, whatever a clock says.
    livre_desde INTEGER,
    preco_kwh   REAL    NOT NULL,
    versao      INTEGER NOT NULL,
    tolerancia  INTEGER NOT NULL,
    chegou_em   INTEGER,
    aviso       TEXT,
    estimativa  TEXT,
    first_answer TEXT,
    posto_desde INTEGER,
    held_from   INTEGER AS (CASE WHEN posto_desde > inicio THEN posto_desde ELSE inicio END),
    CHECK (placa IS NOT NULL
           OR COALESCE(request_id, fingerprint, app, client_id, estimativa, first_answer) IS NULL)
) STRICT;
CREATE TABLE archived_carregamentos (
    id                INTEGER PRIMARY KEY,
    posto_id          INTEGER NOT NULL,
    placa             TEXT,
    inicio            INTEGER NOT NULL,
    preco_kwh         REAL    NOT NULL,
    fim               INTEGER NOT NULL,
    energia_fornecida REAL    NOT NULL,
    custo             REAL    NOT NULL,
    reserva_id        INTEGER,
    corrigido_em      INTEGER,
    first_inicio      INTEGER,
    own_price         REAL
) STRICT;
-- Changes of what is archived, also those that are refused because it is.
CREATE TABLE archived_alteracoes (
    id          INTEGER PRIMARY KEY,
    request_id  TEXT    NOT NULL UNIQUE,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 16),
    app         TEXT,
    reserva_id  INTEGER NOT NULL,
    decided_at  INTEGER NOT NULL,
    answer      TEXT    NOT NULL
) STRICT;
CREATE INDEX archived_alteracoes_by_reserva ON archived_alteracoes (reserva_id);

-- What an earlier release has left is archived here, at once. In parts, as a servidor that runs does it,
-- each row would write pages of a dozen indexes that are large then: 200 KB of them.
PRAGMA cache_size = -131072;
INSERT INTO archived_carregamentos
    (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id, corrigido_em,
     first_inicio, own_price)
SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id, corrigido_em,
       first_inicio, own_price
FROM carregamentos AS c
WHERE fim <= (unixepoch() - 30 * 86400) * 1000
  AND NOT EXISTS (SELECT 1 FROM reservas AS r WHERE r.carregamento_id = c.id)
ORDER BY id;
DROP INDEX carregamentos_open;
DROP INDEX carregamentos_by_posto;
DROP INDEX carregamentos_of_posto;
DROP INDEX carregamentos_by_placa;
DROP INDEX carregamentos_by_first_inicio;
DROP INDEX carregamentos_by_reserva;
DROP INDEX carregamentos_open_by_placa;
DELETE FROM carregamentos WHERE id IN (SELECT id FROM archived_carregamentos);
CREATE UNIQUE INDEX carregamentos_open ON carregamentos (posto_id) WHERE fim IS NULL;
CREATE INDEX carregamentos_by_posto ON carregamentos (posto_id, inicio, fim);
CREATE INDEX carregamentos_of_posto ON carregamentos (posto_id);
CREATE INDEX carregamentos_by_placa ON carregamentos (placa, inicio, fim);
CREATE INDEX carregamentos_by_first_inicio ON carregamentos (posto_id, first_inicio)
WHERE first_inicio IS NOT NULL;
CREATE INDEX carregamentos_by_reserva ON carregamentos (reserva_id) WHERE reserva_id IS NOT NULL;
CREATE INDEX carregamentos_open_by_placa ON carregamentos (placa) WHERE fim IS NULL;

INSERT INTO archived_reservas
    (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, fingerprint, nome, app,
     client_id, desde, motivo, livre_desde, preco_kwh, versao, tolerancia, chegou_em, aviso, estimativa,
     first_answer, posto_desde)
SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, fingerprint, nome, app,
       client_id, desde, motivo,
       CASE WHEN status IN ('encerrada', 'cumprida') THEN COALESCE(livre_desde, fim) ELSE livre_desde END,
       preco_kwh, versao, tolerancia, chegou_em, aviso, estimativa, first_answer, posto_desde
FROM reservas AS r
WHERE status <> 'ativa' AND max(fim, updated_at) <= (unixepoch() - 30 * 86400) * 1000
  AND falta_em IS NULL AND carregamento_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM carregamentos AS c WHERE c.reserva_id = r.id)
  AND NOT EXISTS (SELECT 1 FROM carregamentos AS c
                  WHERE c.placa = r.placa AND c.fim IS NULL AND c.posto_id = r.posto_id
                    AND +c.inicio < r.fim)
  AND NOT EXISTS (SELECT 1 FROM alteracoes AS a
                  WHERE a.reserva_id = r.id AND a.decided_at > (unixepoch() - 30 * 86400) * 1000)
ORDER BY id;
INSERT INTO archived_alteracoes (request_id, fingerprint, app, reserva_id, decided_at, answer)
SELECT request_id, fingerprint, app, reserva_id, decided_at, answer FROM alteracoes
WHERE reserva_id IN (SELECT id FROM archived_reservas) ORDER BY seq;
DELETE FROM alteracoes WHERE reserva_id IN (SELECT id FROM archived_reservas);
DROP INDEX reservas_by_posto;
DROP INDEX reservas_by_placa;
DROP INDEX reservas_by_falta_em;
DROP INDEX reservas_given_up;
DROP INDEX reservas_by_fim;
DROP INDEX reservas_to_begin;
DELETE FROM reservas WHERE id IN (SELECT id FROM archived_reservas);
CREATE INDEX reservas_by_posto ON reservas (posto_id, held_until) WHERE held_until IS NOT NULL;
CREATE INDEX reservas_by_placa ON reservas (placa, held_until);
CREATE INDEX reservas_by_falta_em ON reservas (falta_em) WHERE falta_em IS NOT NULL;
CREATE INDEX reservas_given_up ON reservas (posto_id, COALESCE(livre_desde, desde))
    WHERE held_until IS NULL;
CREATE INDEX reservas_by_fim ON reservas (fim) WHERE status = 'ativa';
CREATE INDEX reservas_to_begin ON reservas (inicio) WHERE status = 'ativa' AND inicio > created_at;

-- That the servidor wrote then is not known from its hot rows any more (docs/decisions/0072).
INSERT INTO writer_probe (id, at) SELECT 1, max(updated_at) FROM archived_reservas HAVING count(*) > 0
ON CONFLICT (id) DO UPDATE SET at = max(at, excluded.at);

-- A request has one effect, here too.
CREATE UNIQUE INDEX archived_reservas_by_request ON archived_reservas (request_id);
CREATE INDEX archived_reservas_by_placa ON archived_reservas (placa) WHERE placa IS NOT NULL;
-- For sessions that are reported long after. Of those that lasted no longer than 31 days, which is the
-- default limit, an end says when they began at the earliest; the few others have an index of their own.
CREATE INDEX archived_reservas_by_posto ON archived_reservas (posto_id, fim);
CREATE INDEX archived_reservas_long ON archived_reservas (posto_id, fim) WHERE fim - inicio > 2678400000;

-- The same as of those that are not archived: a session is corrected, and others are compared with it,
-- wherever it is.
CREATE INDEX archived_carregamentos_by_posto ON archived_carregamentos (posto_id, inicio, fim);
CREATE INDEX archived_carregamentos_of_posto ON archived_carregamentos (posto_id);
CREATE INDEX archived_carregamentos_by_placa ON archived_carregamentos (placa, inicio, fim)
    WHERE placa IS NOT NULL;
CREATE INDEX archived_carregamentos_by_first_inicio ON archived_carregamentos (posto_id, first_inicio)
    WHERE first_inicio IS NOT NULL;
CREATE INDEX archived_carregamentos_by_reserva ON archived_carregamentos (reserva_id)
    WHERE reserva_id IS NOT NULL;

-- Both, for queries that ask for the past, each of one moment. SQLite reads each half by its indexes, as
-- long as nothing but a query's own order and limit stands between.
CREATE VIEW all_reservas AS
SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, fingerprint, nome,
       app, client_id, desde, motivo, livre_desde, preco_kwh, versao, tolerancia, falta_em, chegou_em,
       aviso, carregamento_id, estimativa, first_answer, posto_desde, 0 AS is_archived
FROM reservas
UNION ALL
SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, fingerprint, nome,
       app, client_id, desde, motivo, livre_desde, preco_kwh, versao, tolerancia,
       CAST(NULL AS INTEGER), chegou_em, aviso, CAST(NULL AS INTEGER), estimativa, first_answer,
       posto_desde, 1
FROM archived_reservas;

CREATE VIEW all_carregamentos AS
SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id, corrigido_em,
       first_inicio, own_price, 0 AS is_archived
FROM carregamentos
UNION ALL
SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id, corrigido_em,
       first_inicio, own_price, 1
FROM archived_carregamentos;

CREATE VIEW all_alteracoes AS
SELECT request_id, fingerprint, app, reserva_id, decided_at, answer FROM alteracoes
UNION ALL
SELECT request_id, fingerprint, app, reserva_id, decided_at, answer FROM archived_alteracoes;
