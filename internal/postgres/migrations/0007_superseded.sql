-- What took a deployment's place before it was done, and who asked for that: a newer deployment of its service, or the
-- delete of its sandbox. '' = nothing did.
ALTER TABLE deployments ADD COLUMN superseded_by text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN superseded_user text NOT NULL DEFAULT '';
ALTER TABLE deployments ADD CHECK (superseded_by = '' OR state = 'CANCELLED');
