-- A reserva has ended when its `fim` has passed, not when it has been marked: a clock may run
-- ahead, have the sweep mark what has not ended, and be set back. So whatever is not cancelled
-- counts, by its window alone; 'encerrada' only says that its end has been told.

DROP INDEX reservas_by_posto;
CREATE INDEX reservas_by_posto ON reservas (posto_id, fim) WHERE status <> 'cancelada';

DROP TRIGGER reservas_never_overlap_on_insert;
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

DROP TRIGGER reservas_never_overlap_on_update;
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
