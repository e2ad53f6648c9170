-- Sessions of the archive that were corrected may have ended at any time. Those that ended since some
-- moment are read by this beside the tables of what is recent (docs/decisions/0116).
CREATE INDEX archived_carregamentos_corrected ON archived_carregamentos (fim)
    WHERE corrigido_em IS NOT NULL;
