-- oldest: 1
-- Every row that belongs to a workspace says so itself, so that a distributed database can keep it
-- with its workspace. It is copied from the parent when the row is made, and never changes. Rows of
-- older processes lack it until 0005.
ALTER TABLE ledger ADD COLUMN workspace_id TEXT;
ALTER TABLE foreign_code ADD COLUMN workspace_id TEXT;
ALTER TABLE driver_store ADD COLUMN workspace_id TEXT;
ALTER TABLE webhook_message ADD COLUMN workspace_id TEXT;
ALTER TABLE webhook_attempt ADD COLUMN workspace_id TEXT;

-- Codes that are gone, for their deletion in time; no code that stands costs anything.
CREATE INDEX access_code_gone ON access_code (deleted_at) WHERE deleted_at IS NOT NULL;

-- When the secrets of the account were renewed: its connection is made anew.
ALTER TABLE connected_account ADD COLUMN renewed_at INTEGER;

-- What providers delivered to a process that does not keep the account's connection, until its
-- owner has taken it. content: headers and body, sealed, for they may hold PINs.
CREATE TABLE inbound_delivery (
  delivery_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  connected_account_id TEXT NOT NULL REFERENCES connected_account ON DELETE CASCADE,
  content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_delivery_by_account ON inbound_delivery (connected_account_id, delivery_id);
