-- When Temporal was last told that it is to be cancelled; it is told again until the row is settled.
ALTER TABLE deployments ADD COLUMN cancel_sent_at timestamptz;
ALTER TABLE operations ADD COLUMN cancel_sent_at timestamptz;
