-- One servidor's data. Times are milliseconds since 1970 UTC; energy is in kWh, power in kW,
-- money in BRL. Names on the wire are Portuguese, as in the contract; what only the program
-- knows is English.

CREATE TABLE postos (
    -- AUTOINCREMENT: the id of a removed posto never comes back, so a late message of an old
    -- charger cannot reach a new one.
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    nome            TEXT    NOT NULL CHECK (length(nome) BETWEEN 1 AND 120),
    localizacao     TEXT    NOT NULL,
    potencia_maxima REAL    NOT NULL CHECK (potencia_maxima >= 0),
    tipo_conector   TEXT    NOT NULL CHECK (length(tipo_conector) BETWEEN 1 AND 40),
    preco_kwh       REAL    NOT NULL CHECK (preco_kwh >= 0),
    -- What the operator or the charger says; `disponivel` in a listing also asks who holds it.
    in_service      INTEGER NOT NULL CHECK (in_service IN (0, 1)),
    em_manutencao   INTEGER NOT NULL CHECK (em_manutencao IN (0, 1)),
    -- A removed posto stays for the reservas that name it.
    removed_at      INTEGER
) STRICT;

CREATE TABLE carros (
    placa               TEXT    PRIMARY KEY,
    modelo              TEXT    NOT NULL,
    capacidade_bateria  REAL    NOT NULL,
    nivel_bateria_atual REAL    NOT NULL,
    taxa_descarga       REAL    NOT NULL,
    em_carregamento     INTEGER NOT NULL DEFAULT 0 CHECK (em_carregamento IN (0, 1)),
    updated_at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reservas (
    id         INTEGER PRIMARY KEY,
    -- One request makes at most one reserva, however often it arrives.
    request_id TEXT    NOT NULL UNIQUE,
    posto_id   INTEGER NOT NULL REFERENCES postos (id),
    placa      TEXT    NOT NULL REFERENCES carros (placa),
    inicio     INTEGER NOT NULL,
    fim        INTEGER NOT NULL CHECK (fim > inicio),
    status     TEXT    NOT NULL CHECK (status IN ('ativa', 'cancelada', 'encerrada')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Only what is active is indexed by time, so history costs the next reserva nothing.
CREATE INDEX reservas_by_posto ON reservas (posto_id, fim) WHERE status = 'ativa';
CREATE INDEX reservas_by_fim ON reservas (fim) WHERE status = 'ativa';
CREATE INDEX reservas_to_begin ON reservas (inicio) WHERE status = 'ativa' AND inicio > created_at;
CREATE INDEX reservas_by_placa ON reservas (placa, id);

-- The first promise, held by the schema itself: whatever code writes, no posto is held twice.
CREATE TRIGGER reservas_never_overlap_on_insert
BEFORE INSERT ON reservas
WHEN NEW.status = 'ativa' AND EXISTS (
    SELECT 1 FROM reservas
    WHERE posto_id = NEW.posto_id AND status = 'ativa' AND fim > NEW.inicio AND inicio < NEW.fim
)
BEGIN
    SELECT RAISE(ABORT, 'overlapping active reservas on one posto');
END;

CREATE TRIGGER reservas_never_overlap_on_update
BEFORE UPDATE OF posto_id, inicio, fim, status ON reservas
WHEN NEW.status = 'ativa' AND EXISTS (
    SELECT 1 FROM reservas
    WHERE posto_id = NEW.posto_id AND status = 'ativa' AND fim > NEW.inicio AND inicio < NEW.fim
      AND id <> NEW.id
)
BEGIN
    SELECT RAISE(ABORT, 'overlapping active reservas on one posto');
END;

-- What was answered to each reservation command, so that a repeat gets the same answer.
CREATE TABLE requests (
    -- In order of decision, so that the oldest are found without another index.
    seq         INTEGER PRIMARY KEY,
    request_id  TEXT    NOT NULL UNIQUE,
    -- Stands for what was asked; the same request_id asking for something else is refused.
    fingerprint BLOB    NOT NULL,
    decided_at  INTEGER NOT NULL,
    posto_id    INTEGER NOT NULL,
    -- Name of the posto when it was decided, as the answer told it.
    nome        TEXT    NOT NULL,
    -- NULL when the answer was a reserva, which then has the same request_id.
    rejection   TEXT
) STRICT;

CREATE TABLE carregamentos (
    id                INTEGER PRIMARY KEY,
    posto_id          INTEGER NOT NULL REFERENCES postos (id),
    placa             TEXT    NOT NULL,
    inicio            INTEGER NOT NULL,
    -- Price agreed at the start.
    preco_kwh         REAL    NOT NULL,
    fim               INTEGER,
    energia_fornecida REAL,
    custo             REAL,
    CHECK ((fim IS NULL) = (energia_fornecida IS NULL) AND (fim IS NULL) = (custo IS NULL))
) STRICT;

-- Written to find out whether the disk takes writes again.
CREATE TABLE writer_probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;

-- A posto charges one carro at a time.
CREATE UNIQUE INDEX carregamentos_open ON carregamentos (posto_id) WHERE fim IS NULL;
