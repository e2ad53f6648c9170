-- The answer to a request that made a reserva is told from the reserva, which keeps what that
-- takes: one row is written in place of two. Refusals have a table of their own.

ALTER TABLE reservas ADD COLUMN fingerprint BLOB;
-- Name of the posto when it was reserved, as the answer told it.
ALTER TABLE reservas ADD COLUMN nome TEXT;

UPDATE reservas SET fingerprint = q.fingerprint, nome = q.nome
FROM requests AS q
WHERE q.request_id = reservas.request_id AND q.rejection IS NULL;

CREATE TABLE refusals (
    -- In order of decision, so that the oldest are found without another index.
    seq         INTEGER PRIMARY KEY,
    request_id  TEXT    NOT NULL UNIQUE,
    -- Stands for what was asked; the same request_id asking for something else is refused.
    fingerprint BLOB    NOT NULL,
    decided_at  INTEGER NOT NULL,
    posto_id    INTEGER NOT NULL,
    -- Name of the posto when it was decided, as the answer told it.
    nome        TEXT    NOT NULL,
    rejection   TEXT    NOT NULL
) STRICT;

INSERT INTO refusals (seq, request_id, fingerprint, decided_at, posto_id, nome, rejection)
SELECT seq, request_id, fingerprint, decided_at, posto_id, nome, rejection
FROM requests WHERE rejection IS NOT NULL;

DROP TABLE requests;
