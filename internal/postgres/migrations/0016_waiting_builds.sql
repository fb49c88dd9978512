-- A deployment that builds may wait, too: for a build slot, or for the build of the same commit by another one.
ALTER TABLE deployments DROP CONSTRAINT deployments_check1;
ALTER TABLE deployments ADD CONSTRAINT deployments_waiting
    CHECK (state IN ('QUEUED', 'BUILDING', 'CREATING_IMAGE') OR waiting_for = '');
