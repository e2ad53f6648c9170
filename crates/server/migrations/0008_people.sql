-- Who made a reserva, who changed what, and forgetting people (docs/decisions/0063 to 0065).

-- An SQLite shell does not check foreign keys. What somebody removed by hand with it is made again, as a
-- posto that was removed and a carro of which nothing is known, or its reservas could not be copied.
INSERT INTO postos
    (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh, operador_disponivel,
     operador_em_manutencao, removed_at)
SELECT posto_id, 'Ponto ' || posto_id, '0,0', 0, 'CCS', 0, 0, 0, 0
FROM (SELECT posto_id FROM reservas UNION SELECT posto_id FROM carregamentos
      UNION SELECT posto_id FROM retained_messages)
WHERE posto_id NOT IN (SELECT id FROM postos);
INSERT INTO carros
    (placa, modelo, capacidade_bateria, nivel_bateria_atual, taxa_descarga, updated_at)
SELECT placa, '?', 1, 0, 1, max(updated_at) FROM reservas
WHERE placa NOT IN (SELECT placa FROM carros) GROUP BY placa;

-- Ids never come back (AUTOINCREMENT), also where rows were removed by hand. A forgotten reserva has
-- no placa and no request_id, and still holds its posto: a clock that is set back makes it current
-- again. Which states there are is not checked here: a new one would rebuild the table.
CREATE TABLE new_reservas (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- One request makes at most one reserva, however often it arrives. NULL: forgotten.
    request_id  TEXT    UNIQUE,
    posto_id    INTEGER NOT NULL REFERENCES postos (id),
    -- NULL: forgotten.
    placa       TEXT    REFERENCES carros (placa),
    inicio      INTEGER NOT NULL,
    fim         INTEGER NOT NULL CHECK (fim > inicio),
    status      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    fingerprint BLOB,
    nome        TEXT,
    -- The app whose token the request had. Another app, or none, sees nothing of this reserva.
    app         TEXT,
    -- The gateway that made it, which is told of its changes.
    client_id   TEXT,
    CHECK (placa IS NOT NULL OR COALESCE(request_id, fingerprint, app, client_id) IS NULL)
) STRICT;

INSERT INTO new_reservas
    (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, fingerprint, nome)
SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at, fingerprint, nome
FROM reservas ORDER BY id;

CREATE TABLE new_carregamentos (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    posto_id          INTEGER NOT NULL REFERENCES postos (id),
    -- NULL: forgotten. A session that is open has its carro.
    placa             TEXT,
    inicio            INTEGER NOT NULL,
    -- Price agreed at the start.
    preco_kwh         REAL    NOT NULL,
    fim               INTEGER,
    energia_fornecida REAL,
    custo             REAL,
    CHECK ((fim IS NULL) = (energia_fornecida IS NULL) AND (fim IS NULL) = (custo IS NULL)),
    CHECK (fim IS NOT NULL OR placa IS NOT NULL)
) STRICT;

INSERT INTO new_carregamentos
    (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo
FROM carregamentos ORDER BY id;

-- `server restaurar` leaves here which ids were given since the backup.
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_' || name, 0 FROM (SELECT 'reservas' AS name UNION ALL SELECT 'carregamentos')
WHERE 'new_' || name NOT IN (SELECT name FROM sqlite_sequence);
UPDATE sqlite_sequence SET seq = max(seq, COALESCE(
    (SELECT max(old.seq) FROM sqlite_sequence AS old WHERE 'new_' || old.name = sqlite_sequence.name), 0))
WHERE name IN ('new_reservas', 'new_carregamentos');
DELETE FROM sqlite_sequence WHERE name IN ('reservas', 'carregamentos');

DROP TABLE reservas;
ALTER TABLE new_reservas RENAME TO reservas;
DROP TABLE carregamentos;
ALTER TABLE new_carregamentos RENAME TO carregamentos;

-- Only what is active is indexed by time, so history costs the next reserva nothing.
CREATE INDEX reservas_by_posto ON reservas (posto_id, fim) WHERE status <> 'cancelada';
CREATE INDEX reservas_by_fim ON reservas (fim) WHERE status = 'ativa';
CREATE INDEX reservas_to_begin ON reservas (inicio) WHERE status = 'ativa' AND inicio > created_at;
CREATE INDEX reservas_by_placa ON reservas (placa, id);
-- A posto charges one carro at a time.
CREATE UNIQUE INDEX carregamentos_open ON carregamentos (posto_id) WHERE fim IS NULL;

-- The first promise, held by the schema itself: whatever code writes, no posto is held twice.
CREATE TRIGGER reservas_never_overlap_on_insert
BEFORE INSERT ON reservas
WHEN NEW.status <> 'cancelada' AND EXISTS (
    SELECT 1 FROM reservas
    WHERE posto_id = NEW.posto_id AND status <> 'cancelada'
      AND fim > NEW.inicio AND inicio < NEW.fim
)
BEGIN
    SELECT RAISE(ABORT, 'overlapping reservas on one posto');
END;

CREATE TRIGGER reservas_never_overlap_on_update
BEFORE UPDATE OF posto_id, inicio, fim, status ON reservas
WHEN NEW.status <> 'cancelada'
 AND (OLD.status = 'cancelada' OR OLD.posto_id <> NEW.posto_id
      OR OLD.inicio <> NEW.inicio OR OLD.fim <> NEW.fim)
 AND EXISTS (
    SELECT 1 FROM reservas
    WHERE posto_id = NEW.posto_id AND status <> 'cancelada'
      AND fim > NEW.inicio AND inicio < NEW.fim AND id <> NEW.id
)
BEGIN
    SELECT RAISE(ABORT, 'overlapping reservas on one posto');
END;

-- The broker retains one message of each topic, and a charger has two.
CREATE TABLE retained_direct_messages (
    posto_id INTEGER PRIMARY KEY REFERENCES postos (id),
    digest   BLOB NOT NULL CHECK (length(digest) = 16)
) STRICT;

-- For whom a request was refused: a refusal is forgotten with its carro, and shown to its app alone.
ALTER TABLE refusals ADD COLUMN placa TEXT;
ALTER TABLE refusals ADD COLUMN app TEXT;

-- Requests whose carro was forgotten, so that a repeat of one makes no new reserva.
CREATE TABLE forgotten_requests (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 16)
) STRICT, WITHOUT ROWID;

-- While there is a row, pages of the file or its WAL may still hold what was forgotten.
CREATE TABLE vacuum_due (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    -- 1: the file has been written anew since, and old pages are in the WAL alone.
    rewritten INTEGER NOT NULL DEFAULT 0 CHECK (rewritten IN (0, 1))
) STRICT;

-- Who may call the admin API. Of a token only its hash is kept.
CREATE TABLE tokens (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    nome        TEXT    NOT NULL CHECK (length(nome) BETWEEN 1 AND 64),
    papel       TEXT    NOT NULL CHECK (papel IN ('leitura', 'operador')),
    -- SHA-256.
    hash        BLOB    NOT NULL CHECK (length(hash) = 32),
    criado_em   INTEGER NOT NULL,
    revogado_em INTEGER
) STRICT;
CREATE UNIQUE INDEX tokens_valid ON tokens (nome) WHERE revogado_em IS NULL;

-- What was changed by whom, written in the transaction of the change. No placa and no request_id.
CREATE TABLE auditoria (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    quando INTEGER NOT NULL,
    quem   TEXT    NOT NULL,
    acao   TEXT    NOT NULL,
    alvo   TEXT    NOT NULL,
    -- What of it changed, as JSON objects; NULL where it did not exist.
    antes  TEXT,
    depois TEXT
) STRICT;
CREATE INDEX auditoria_by_alvo ON auditoria (alvo, id);
