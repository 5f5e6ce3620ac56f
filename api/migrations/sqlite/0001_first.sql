-- Times are Unix milliseconds. JSON is kept as text. The audit tables are append only; triggers refuse changes of entries.
CREATE TABLE services (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '{}', created_at INTEGER NOT NULL, created_by TEXT NOT NULL, disabled_at INTEGER,
  version INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, service_id TEXT NOT NULL REFERENCES services(id), kind TEXT NOT NULL, name TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE, pepper_id INTEGER NOT NULL, hint TEXT NOT NULL, scopes TEXT NOT NULL, allowed_cidrs TEXT,
  rate_per_s INTEGER, rate_burst INTEGER, state TEXT NOT NULL, created_at INTEGER NOT NULL, created_by TEXT NOT NULL,
  expires_at INTEGER, revoked_at INTEGER, revoked_by TEXT, revoke_reason TEXT, rotated_from TEXT REFERENCES api_keys(id),
  superseded_by TEXT, last_used_at INTEGER, last_used_ip TEXT, warned_days INTEGER, version INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE INDEX api_keys_service ON api_keys(service_id, created_at);
CREATE INDEX api_keys_expiry ON api_keys(expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE peppers (pepper_id INTEGER PRIMARY KEY, check_value BLOB NOT NULL UNIQUE, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE audit_entries (
  seq INTEGER PRIMARY KEY, journal TEXT, journal_seq INTEGER, at INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
  key_id TEXT, target TEXT NOT NULL, outcome TEXT, request_id TEXT, ip TEXT, body TEXT NOT NULL, prev_hash BLOB NOT NULL,
  hash BLOB NOT NULL, UNIQUE (journal, journal_seq)) STRICT;
CREATE INDEX audit_entries_at ON audit_entries(at);
CREATE INDEX audit_entries_request ON audit_entries(request_id) WHERE request_id IS NOT NULL;
CREATE INDEX audit_entries_actor ON audit_entries(actor, seq);
CREATE TRIGGER audit_entries_fixed BEFORE UPDATE ON audit_entries BEGIN SELECT RAISE(ABORT, 'audit entries are append only'); END;
CREATE TABLE audit_checkpoints (
  seq INTEGER NOT NULL, hash BLOB NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, public_key BLOB NOT NULL,
  signature BLOB NOT NULL, PRIMARY KEY (seq, kind)) STRICT;
CREATE TABLE requests (
  id TEXT PRIMARY KEY, run_id TEXT NOT NULL, platform TEXT NOT NULL, tenant TEXT NOT NULL, actor TEXT NOT NULL, service TEXT,
  command TEXT NOT NULL DEFAULT '', state TEXT NOT NULL, policy TEXT, announce TEXT, labels TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, last_sequence INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX requests_created ON requests(created_at, id);
CREATE INDEX requests_service ON requests(service, created_at, id);
CREATE INDEX requests_run ON requests(run_id);
CREATE TABLE destinations (
  name TEXT PRIMARY KEY, description TEXT NOT NULL DEFAULT '', targets TEXT NOT NULL, created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE hook_secrets (
  id TEXT PRIMARY KEY, destination TEXT NOT NULL REFERENCES destinations(name) ON DELETE CASCADE, hook TEXT NOT NULL,
  service_id TEXT NOT NULL REFERENCES services(id), digest BLOB NOT NULL UNIQUE, pepper_id INTEGER NOT NULL, sealed BLOB,
  hint TEXT NOT NULL, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, last_used_at INTEGER) STRICT;
CREATE TABLE notices (
  id TEXT PRIMARY KEY, destination TEXT NOT NULL, dedup_key TEXT, service TEXT NOT NULL, key_id TEXT NOT NULL,
  message TEXT NOT NULL, deliveries TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE INDEX notices_created ON notices(created_at);
CREATE TABLE relay (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, payload TEXT NOT NULL, created_at INTEGER NOT NULL,
  sent_at INTEGER) STRICT;
CREATE INDEX relay_waiting ON relay(created_at) WHERE sent_at IS NULL;
CREATE TABLE idempotency (
  key_id TEXT NOT NULL, idem_key TEXT NOT NULL, fingerprint BLOB NOT NULL, state TEXT NOT NULL, status INTEGER, headers TEXT,
  body BLOB, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (key_id, idem_key)) STRICT;
CREATE INDEX idempotency_expiry ON idempotency(expires_at);
CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL) STRICT;
INSERT INTO meta (k, v) VALUES ('audit_head', '0:');
