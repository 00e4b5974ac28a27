-- oldest: 1
-- Tokens of the console are keyed hashes. api_key_id NULL: signed in by a link.
CREATE TABLE console_session (
  hash BLOB PRIMARY KEY,
  session_id TEXT NOT NULL,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  api_key_id TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE console_link (
  hash BLOB PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- audit_id grows with time. about and made are JSON.
CREATE TABLE audit_entry (
  workspace_id TEXT NOT NULL,
  audit_id TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  via TEXT NOT NULL,
  action TEXT NOT NULL,
  about TEXT NOT NULL,
  made TEXT NOT NULL,
  PRIMARY KEY (workspace_id, audit_id)
) STRICT, WITHOUT ROWID;

-- Few codes are ever in it.
CREATE INDEX access_code_troubled ON access_code (workspace_id)
  WHERE deleted_at IS NULL AND (errors IS NOT NULL OR warnings IS NOT NULL);
