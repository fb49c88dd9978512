-- Who asked for it to be cancelled, and what for where that was not the purpose: "alice, who drains node micro-1".
-- '' = nobody did, or before this was known.
ALTER TABLE deployments ADD COLUMN cancel_requested_by text NOT NULL DEFAULT '';
ALTER TABLE operations ADD COLUMN cancel_requested_by text NOT NULL DEFAULT '';
