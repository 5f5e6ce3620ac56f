-- By what the call that asked for a request is known again: the same Idempotency-Key with another content is another call.
ALTER TABLE requests ADD COLUMN fingerprint BYTEA;
