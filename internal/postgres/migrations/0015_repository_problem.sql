-- Why a node cannot use a repository that it has configured; '' = it can. All else of one that it never could is unknown.
ALTER TABLE repositories ADD COLUMN problem text NOT NULL DEFAULT '';
ALTER TABLE repositories DROP CONSTRAINT repositories_port_check;
ALTER TABLE repositories ADD CONSTRAINT repositories_port_check CHECK (port BETWEEN 1 AND 65535 OR problem <> '');
