-- When somebody last marked the sandbox as used; its requests are counted in sandbox_traffic.
ALTER TABLE sandboxes ADD COLUMN touched_at timestamptz;
