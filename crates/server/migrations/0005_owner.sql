-- Whose data this is. A servidor that is given another's file by mistake must not serve it.
CREATE TABLE owner (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    server_id TEXT NOT NULL
) STRICT;
