-- A reservation is written without a statement journal (docs/decisions/0103). SQLite copies each page
-- before a statement changes it, if the statement may be undone alone: if it has a trigger, and that, a
-- constraint or a foreign key may abort it. A reservation that breaks one of them now ends its
-- transaction, which its failure did before too, and foreign keys are checked at the commit.

-- What changes is what the text says, and nothing that is stored
-- (https://sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(replace(replace(sql,
        'REFERENCES postos (id)', 'REFERENCES postos (id) DEFERRABLE INITIALLY DEFERRED'),
        'REFERENCES carros (placa)', 'REFERENCES carros (placa) DEFERRABLE INITIALLY DEFERRED'),
        'REFERENCES carregamentos (id)', 'REFERENCES carregamentos (id) DEFERRABLE INITIALLY DEFERRED')
WHERE type = 'table' AND name = 'reservas';
PRAGMA writable_schema = RESET;

-- The first promise, held by the schema itself: whatever code writes, no posto is held twice. Those that
-- hold a posto never overlap, so of all that end later the first to end is the first to begin.
DROP TRIGGER reservas_never_overlap_on_insert;
CREATE TRIGGER reservas_never_overlap_on_insert
BEFORE INSERT ON reservas
WHEN NEW.status NOT IN ('cancelada', 'nao_compareceu') AND NEW.livre_desde IS NULL
 AND NEW.fim > (
    SELECT held_from FROM reservas
    WHERE posto_id = NEW.posto_id AND held_until > NEW.inicio
    ORDER BY held_until LIMIT 1
)
BEGIN
    SELECT RAISE(ROLLBACK, 'overlapping reservas on one posto');
END;
