-- When somebody asked for it to be cancelled. It is cancelled only once its state says so.
ALTER TABLE deployments ADD COLUMN cancel_requested_at timestamptz;
ALTER TABLE operations ADD COLUMN cancel_requested_at timestamptz;
