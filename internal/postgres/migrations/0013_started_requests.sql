-- What a request with an Idempotency-Key has started: written in the transaction that starts it, so that a repetition finds it
-- though nobody stored the answer.
ALTER TABLE idempotency_keys ADD COLUMN started text[];
