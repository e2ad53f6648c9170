-- A counter can repeat: restoring a backup into the running file sets it back, and it comes again
-- to a number that a reader remembers. Random numbers do not: equal numbers mean equal postos.
DROP TRIGGER postos_version_on_insert;
DROP TRIGGER postos_version_on_update;
DROP TRIGGER postos_version_on_delete;

CREATE TRIGGER postos_version_on_insert AFTER INSERT ON postos
BEGIN
    UPDATE postos_version SET version = random();
END;

CREATE TRIGGER postos_version_on_update AFTER UPDATE ON postos
BEGIN
    UPDATE postos_version SET version = random();
END;

CREATE TRIGGER postos_version_on_delete AFTER DELETE ON postos
BEGIN
    UPDATE postos_version SET version = random();
END;

UPDATE postos_version SET version = random();
