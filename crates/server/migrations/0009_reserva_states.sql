-- What becomes of a reserva besides its end and its cancellation (docs/decisions/0072).
DROP TRIGGER reservas_never_overlap_on_insert;
DROP TRIGGER reservas_never_overlap_on_update;
DROP INDEX reservas_by_posto;
DROP INDEX reservas_by_placa;

-- When its state began; of 'encerrada', when it was 'ativa': its end is `fim`.
ALTER TABLE reservas ADD COLUMN desde INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reservas ADD COLUMN motivo TEXT;
-- When its carro left: from then on it holds nothing, whatever a clock says that is set back.
ALTER TABLE reservas ADD COLUMN livre_desde INTEGER;
-- As agreed. Earlier releases agreed on none: it is the one that its posto has now.
ALTER TABLE reservas ADD COLUMN preco_kwh REAL NOT NULL DEFAULT 0;
-- One more with each change that is published to its client.
ALTER TABLE reservas ADD COLUMN versao INTEGER NOT NULL DEFAULT 1;
-- Milliseconds that its carro may be late, as the rule was when it was made. 0: no limit.
ALTER TABLE reservas ADD COLUMN tolerancia INTEGER NOT NULL DEFAULT 0;
-- When the absence of its carro is due. NULL: never, or that time does not run now.
ALTER TABLE reservas ADD COLUMN falta_em INTEGER;
-- When its carro reported that it charges.
ALTER TABLE reservas ADD COLUMN chegou_em INTEGER;
ALTER TABLE reservas ADD COLUMN aviso TEXT;
-- The session in which its carro charges there already, before its begin: it fulfils it then.
ALTER TABLE reservas ADD COLUMN carregamento_id INTEGER REFERENCES carregamentos (id);
-- What the first answer said, as JSON: the estimate (NULL in an answer of an earlier release); and
-- posto, inicio, fim and price, once one of them has changed.
ALTER TABLE reservas ADD COLUMN estimativa TEXT;
ALTER TABLE reservas ADD COLUMN first_answer TEXT
    CHECK (placa IS NOT NULL OR COALESCE(estimativa, first_answer) IS NULL);
-- Since when it has its posto, if it was given another one.
ALTER TABLE reservas ADD COLUMN posto_desde INTEGER;
-- It holds its posto during [held_from, held_until); NULL: it holds nothing. An absence that is due and
-- not recorded yet holds here, and nowhere else.
ALTER TABLE reservas ADD COLUMN held_from INTEGER AS (
    CASE WHEN posto_desde > inicio THEN posto_desde ELSE inicio END);
ALTER TABLE reservas ADD COLUMN held_until INTEGER AS (
    CASE WHEN livre_desde IS NOT NULL OR fim <= posto_desde
           OR status IN ('cancelada', 'nao_compareceu') THEN NULL ELSE fim END);

UPDATE reservas SET
    desde = CASE status WHEN 'cancelada' THEN updated_at ELSE created_at END,
    versao = CASE status WHEN 'ativa' THEN 1 ELSE 2 END,
    preco_kwh = COALESCE((SELECT p.preco_kwh FROM postos AS p WHERE p.id = posto_id), 0);

CREATE INDEX reservas_by_posto ON reservas (posto_id, held_until) WHERE held_until IS NOT NULL;
CREATE INDEX reservas_by_placa ON reservas (placa, held_until);
CREATE INDEX reservas_by_falta_em ON reservas (falta_em) WHERE falta_em IS NOT NULL;
CREATE INDEX reservas_in_session ON reservas (inicio) WHERE carregamento_id IS NOT NULL;
-- What held a posto once, for sessions that are reported long after.
CREATE INDEX reservas_given_up ON reservas (posto_id, COALESCE(livre_desde, desde))
    WHERE held_until IS NULL;

-- The reserva whose price it has and which it fulfils.
ALTER TABLE carregamentos ADD COLUMN reserva_id INTEGER REFERENCES reservas (id);
-- When what it was recorded with was corrected last.
ALTER TABLE carregamentos ADD COLUMN corrigido_em INTEGER;
-- When it was first said to have begun, if that was corrected: a repeat says the same.
ALTER TABLE carregamentos ADD COLUMN first_inicio INTEGER;
-- The price that it has if it turns out that the reserva whose price it has began after its end.
ALTER TABLE carregamentos ADD COLUMN own_price REAL;
-- Those that are open, as earlier releases left them, fulfil what is active: their carros are there.
-- What that costs was said when they began.
UPDATE carregamentos SET reserva_id = (
    SELECT r.id FROM reservas AS r
    WHERE r.posto_id = carregamentos.posto_id AND r.held_until > carregamentos.inicio
      AND r.placa = carregamentos.placa AND r.status = 'ativa' AND r.inicio <= carregamentos.inicio)
WHERE fim IS NULL;
UPDATE reservas SET
    carregamento_id = (
        SELECT c.id FROM carregamentos AS c WHERE c.posto_id = reservas.posto_id AND c.fim IS NULL),
    preco_kwh = COALESCE((
        SELECT c.preco_kwh FROM carregamentos AS c
        WHERE c.posto_id = reservas.posto_id AND c.fim IS NULL AND c.reserva_id = reservas.id), preco_kwh)
WHERE id IN (
    -- In this order: few sessions are open.
    SELECT r.id FROM carregamentos AS c CROSS JOIN reservas AS r
    WHERE c.fim IS NULL AND r.posto_id = c.posto_id AND r.held_until > c.inicio
      AND r.placa = c.placa AND r.status = 'ativa');

-- The first promise, held by the schema itself: whatever code writes, no posto is held twice. The
-- new row's own held_until is written out: SQLite does not compute it before an update.
CREATE TRIGGER reservas_never_overlap_on_insert
BEFORE INSERT ON reservas
WHEN NEW.status NOT IN ('cancelada', 'nao_compareceu') AND NEW.livre_desde IS NULL
 AND EXISTS (
    SELECT 1 FROM reservas
    WHERE posto_id = NEW.posto_id AND held_until > NEW.inicio AND held_from < NEW.fim
)
BEGIN
    SELECT RAISE(ABORT, 'overlapping reservas on one posto');
END;

-- Only what holds more than before is checked, and of another posto only from now on.
CREATE TRIGGER reservas_never_overlap_on_update
BEFORE UPDATE OF posto_id, inicio, fim, livre_desde, status ON reservas
WHEN NEW.status NOT IN ('cancelada', 'nao_compareceu') AND NEW.livre_desde IS NULL
 AND (OLD.status IN ('cancelada', 'nao_compareceu') OR OLD.livre_desde IS NOT NULL
      OR OLD.posto_id <> NEW.posto_id OR OLD.inicio <> NEW.inicio OR OLD.fim <> NEW.fim)
 AND EXISTS (
    SELECT 1 FROM reservas
    WHERE posto_id = NEW.posto_id
      AND held_until > max(NEW.inicio, CASE WHEN OLD.posto_id <> NEW.posto_id THEN NEW.updated_at
                                            ELSE COALESCE(OLD.posto_desde, NEW.inicio) END)
      AND held_from < NEW.fim AND id <> NEW.id
)
BEGIN
    SELECT RAISE(ABORT, 'overlapping reservas on one posto');
END;

-- A reserva that is given another posto holds that one from then on, and not while others held it.
CREATE TRIGGER reservas_posto_desde
AFTER UPDATE OF posto_id ON reservas
WHEN OLD.posto_id <> NEW.posto_id
BEGIN
    UPDATE reservas SET posto_desde = NEW.updated_at WHERE id = NEW.id;
END;

-- A repeat of its request gets the first answer again, whatever was changed since. A reserva that
-- nobody changes pays nothing for it. json_array would write the price with 15 digits; quote writes
-- as many as its value needs.
CREATE TRIGGER reservas_first_answer
AFTER UPDATE OF posto_id, inicio, fim, preco_kwh ON reservas
WHEN OLD.first_answer IS NULL AND OLD.placa IS NOT NULL
 AND (OLD.posto_id <> NEW.posto_id OR OLD.inicio <> NEW.inicio OR OLD.fim <> NEW.fim
      OR OLD.preco_kwh <> NEW.preco_kwh)
BEGIN
    UPDATE reservas
    SET first_answer = json_array(OLD.posto_id, OLD.inicio, OLD.fim, json(quote(OLD.preco_kwh)))
    WHERE id = OLD.id;
END;

-- The carro may charge at the one posto and not at the other.
CREATE TRIGGER reservas_leave_a_session
AFTER UPDATE OF posto_id ON reservas
WHEN NEW.carregamento_id IS NOT NULL AND OLD.posto_id <> NEW.posto_id
BEGIN
    UPDATE reservas SET carregamento_id = NULL WHERE id = NEW.id;
END;

-- With the end, for what overlaps.
CREATE INDEX carregamentos_by_posto ON carregamentos (posto_id, inicio, fim);
-- By number, for pages.
CREATE INDEX carregamentos_of_posto ON carregamentos (posto_id);
CREATE INDEX carregamentos_by_placa ON carregamentos (placa, inicio, fim);
CREATE INDEX carregamentos_by_first_inicio ON carregamentos (posto_id, first_inicio)
WHERE first_inicio IS NOT NULL;
CREATE INDEX carregamentos_by_reserva ON carregamentos (reserva_id) WHERE reserva_id IS NOT NULL;
CREATE INDEX carregamentos_open_by_placa ON carregamentos (placa) WHERE fim IS NULL;
-- A carro charges at one posto at a time. No unique index: files of earlier releases may have two.
CREATE TRIGGER carregamentos_one_per_carro
BEFORE INSERT ON carregamentos
WHEN NEW.fim IS NULL AND EXISTS (
    SELECT 1 FROM carregamentos WHERE placa = NEW.placa AND fim IS NULL
)
BEGIN
    SELECT RAISE(ABORT, 'two open sessions of one carro');
END;

-- If it turns out that the session had ended before that reserva began, it has its own price again.
CREATE TRIGGER carregamentos_own_price
AFTER UPDATE OF reserva_id ON carregamentos
WHEN OLD.reserva_id IS NULL AND NEW.reserva_id IS NOT NULL
BEGIN
    UPDATE carregamentos SET own_price = OLD.preco_kwh WHERE id = NEW.id;
END;

-- Requests to change a reserva, each with the answer that it got: a repeat gets it again.
CREATE TABLE alteracoes (
    -- In order of decision, so that the oldest are found without another index.
    seq         INTEGER PRIMARY KEY,
    request_id  TEXT    NOT NULL UNIQUE,
    -- Stands for what was asked; the same request_id asking for something else is refused.
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 16),
    app         TEXT,
    -- NULL: there was none. It is forgotten with its reserva.
    reserva_id  INTEGER REFERENCES reservas (id),
    decided_at  INTEGER NOT NULL,
    -- As JSON, also of one that was refused.
    answer      TEXT    NOT NULL
) STRICT;
CREATE INDEX alteracoes_by_reserva ON alteracoes (reserva_id);

-- Requests to cancel that were refused: a repeat is refused again, also if the reserva was made or
-- given back meanwhile.
CREATE TABLE refused_cancellations (
    -- In order of decision, so that the oldest are found without another index.
    seq        INTEGER PRIMARY KEY,
    -- Stands for the request and the reserva that it names, so that neither need be forgotten.
    digest     BLOB    NOT NULL UNIQUE CHECK (length(digest) = 16),
    decided_at INTEGER NOT NULL,
    rejection  TEXT    NOT NULL
) STRICT;

-- The value that a rule had: a repeat gets the same sentence after the rule was changed.
ALTER TABLE refusals ADD COLUMN detail INTEGER;
