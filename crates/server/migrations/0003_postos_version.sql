-- Counts the changes of postos, so that a listing need not read them again to know that what it
-- remembers of them still holds.
CREATE TABLE postos_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO postos_version (id, version) VALUES (1, 0);

CREATE TRIGGER postos_version_on_insert AFTER INSERT ON postos
BEGIN
    UPDATE postos_version SET version = version + 1;
END;

CREATE TRIGGER postos_version_on_update AFTER UPDATE ON postos
BEGIN
    UPDATE postos_version SET version = version + 1;
END;

CREATE TRIGGER postos_version_on_delete AFTER DELETE ON postos
BEGIN
    UPDATE postos_version SET version = version + 1;
END;
