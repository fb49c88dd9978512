-- An event with a key is there once, however often its writer is repeated: "o-1/sandbox.delete.finish".
ALTER TABLE audit_events ADD COLUMN once text;
CREATE UNIQUE INDEX audit_events_once ON audit_events (once) WHERE once IS NOT NULL;

-- Why the branch could not be watched when it was last tried; '' = it could.
ALTER TABLE sandbox_services ADD COLUMN watch_problem text NOT NULL DEFAULT '';

-- What is known of a branch says nothing about the next one.
CREATE FUNCTION branch_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.branch_gone := NULL;
    NEW.watch_problem := '';
    RETURN NEW;
END $$;
CREATE TRIGGER sandbox_services_branch_changed BEFORE UPDATE OF branch ON sandbox_services
    FOR EACH ROW WHEN (OLD.branch <> NEW.branch) EXECUTE FUNCTION branch_changed();
