-- From where a secret of a hook was used last. Secrets made so far did not say under which pepper they are kept: it is the newest.
ALTER TABLE hook_secrets ADD COLUMN last_used_ip TEXT;
UPDATE hook_secrets SET pepper_id = (SELECT COALESCE(MAX(pepper_id), 0) FROM peppers) WHERE pepper_id = 0;
