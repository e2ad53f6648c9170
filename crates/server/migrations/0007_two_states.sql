-- The operator and the charger both say whether a posto is in service, and neither overwrites the
-- other. Until now they shared two columns. Who wrote them last is not known; they become the
-- operator's, so that no posto comes into service by this change.
ALTER TABLE postos RENAME COLUMN in_service TO operador_disponivel;
ALTER TABLE postos RENAME COLUMN em_manutencao TO operador_em_manutencao;

-- NULL as long as nothing was heard of the charger.
ALTER TABLE postos ADD COLUMN carregador_disponivel INTEGER
    CHECK (carregador_disponivel IN (0, 1));
ALTER TABLE postos ADD COLUMN carregador_em_manutencao INTEGER
    CHECK ((carregador_em_manutencao IS NULL) = (carregador_disponivel IS NULL)
           AND carregador_em_manutencao IN (0, 1));
-- Since when the charger is in this state.
ALTER TABLE postos ADD COLUMN carregador_desde INTEGER
    CHECK ((carregador_desde IS NULL) = (carregador_disponivel IS NULL));

-- What reservas and listings go by. A charger that was never heard of counts as in service.
ALTER TABLE postos ADD COLUMN in_service INTEGER
    AS (operador_disponivel AND COALESCE(carregador_disponivel, 1));
ALTER TABLE postos ADD COLUMN em_manutencao INTEGER
    AS (operador_em_manutencao OR COALESCE(carregador_em_manutencao, 0));

-- The last message of each charger that the broker retains, to know it when it is sent again. Not
-- in `postos`, where it would draw a new version of the postos with every message.
CREATE TABLE retained_messages (
    posto_id INTEGER PRIMARY KEY REFERENCES postos (id),
    digest   BLOB NOT NULL CHECK (length(digest) = 16)
) STRICT;
