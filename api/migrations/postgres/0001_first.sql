-- Times are Unix milliseconds. JSON is kept as text. The audit tables are append only; triggers refuse changes of entries.
CREATE TABLE services (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '{}', created_at BIGINT NOT NULL, created_by TEXT NOT NULL, disabled_at BIGINT,
  version BIGINT NOT NULL DEFAULT 1);
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, service_id TEXT NOT NULL REFERENCES services(id), kind TEXT NOT NULL, name TEXT NOT NULL,
  digest BYTEA NOT NULL UNIQUE, pepper_id BIGINT NOT NULL, hint TEXT NOT NULL, scopes TEXT NOT NULL, allowed_cidrs TEXT,
  rate_per_s BIGINT, rate_burst BIGINT, state TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  expires_at BIGINT, revoked_at BIGINT, revoked_by TEXT, revoke_reason TEXT, rotated_from TEXT REFERENCES api_keys(id),
  superseded_by TEXT, last_used_at BIGINT, last_used_ip TEXT, warned_days BIGINT, version BIGINT NOT NULL DEFAULT 1);
CREATE INDEX api_keys_service ON api_keys(service_id, created_at);
CREATE INDEX api_keys_expiry ON api_keys(expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE peppers (pepper_id BIGINT PRIMARY KEY, check_value BYTEA NOT NULL UNIQUE, created_at BIGINT NOT NULL);
CREATE TABLE audit_entries (
  seq BIGINT PRIMARY KEY, journal TEXT, journal_seq BIGINT, at BIGINT NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
  key_id TEXT, target TEXT NOT NULL, outcome TEXT, request_id TEXT, ip TEXT, body TEXT NOT NULL, prev_hash BYTEA NOT NULL,
  hash BYTEA NOT NULL, UNIQUE (journal, journal_seq));
CREATE INDEX audit_entries_at ON audit_entries(at);
CREATE INDEX audit_entries_request ON audit_entries(request_id) WHERE request_id IS NOT NULL;
CREATE INDEX audit_entries_actor ON audit_entries(actor, seq);
CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'audit entries are append only'; END $$;
CREATE TRIGGER audit_entries_fixed BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse();
CREATE TABLE audit_checkpoints (
  seq BIGINT NOT NULL, hash BYTEA NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, public_key BYTEA NOT NULL,
  signature BYTEA NOT NULL, PRIMARY KEY (seq, kind));
CREATE TABLE requests (
  id TEXT PRIMARY KEY, run_id TEXT NOT NULL, platform TEXT NOT NULL, tenant TEXT NOT NULL, actor TEXT NOT NULL, service TEXT,
  command TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, policy TEXT, announce TEXT, labels TEXT NOT NULL DEFAULT '{}',
  created_at BIGINT NOT NULL, started_at BIGINT, ended_at BIGINT, last_sequence BIGINT NOT NULL DEFAULT 0);
CREATE INDEX requests_created ON requests(created_at, id);
CREATE INDEX requests_service ON requests(service, created_at, id);
CREATE INDEX requests_run ON requests(run_id);
CREATE TABLE destinations (
  name TEXT PRIMARY KEY, description TEXT NOT NULL DEFAULT '', targets TEXT NOT NULL, created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL, version BIGINT NOT NULL DEFAULT 1);
CREATE TABLE hook_secrets (
  id TEXT PRIMARY KEY, destination TEXT NOT NULL REFERENCES destinations(name) ON DELETE CASCADE, hook TEXT NOT NULL,
  service_id TEXT NOT NULL REFERENCES services(id), digest BYTEA NOT NULL UNIQUE, pepper_id BIGINT NOT NULL, sealed BYTEA,
  hint TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL, last_used_at BIGINT);
CREATE TABLE notices (
  id TEXT PRIMARY KEY, destination TEXT NOT NULL, dedup_key TEXT, service TEXT NOT NULL, key_id TEXT NOT NULL,
  message TEXT NOT NULL, deliveries TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX notices_created ON notices(created_at);
CREATE TABLE relay (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, payload TEXT NOT NULL, created_at BIGINT NOT NULL,
  sent_at BIGINT);
CREATE INDEX relay_waiting ON relay(created_at) WHERE sent_at IS NULL;
CREATE TABLE idempotency (
  key_id TEXT NOT NULL, idem_key TEXT NOT NULL, fingerprint BYTEA NOT NULL, state TEXT NOT NULL, status BIGINT, headers TEXT,
  body BYTEA, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, PRIMARY KEY (key_id, idem_key));
CREATE INDEX idempotency_expiry ON idempotency(expires_at);
CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL);
INSERT INTO meta (k, v) VALUES ('audit_head', '0:');
