-- What each node asks every few seconds finds the sandboxes that concern it, and what is in progress in them, without looking
-- at all there are and were.
CREATE INDEX sandbox_services_deployed ON sandbox_services (name) WHERE container_name IS NOT NULL;
CREATE INDEX sandboxes_deleting ON sandboxes (id) WHERE deleting;
