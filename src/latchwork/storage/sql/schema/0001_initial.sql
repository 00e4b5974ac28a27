-- Instants are microseconds since 1970 (UTC); ids are uuid7 text; JSON is text; what is sealed or
-- hashed by the vault is a blob. NULL problems: none.

CREATE TABLE vault (
  fingerprint BLOB NOT NULL
) STRICT;

CREATE TABLE workspace (
  workspace_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  is_sandbox INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  connect_partner_name TEXT,
  is_suspended INTEGER NOT NULL,
  publishable_key TEXT UNIQUE,
  is_publishable_key_auth_enabled INTEGER NOT NULL,
  organization_id TEXT,
  webview_customization TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
  api_key_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  name TEXT NOT NULL,
  hint TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  api_version TEXT
) STRICT, WITHOUT ROWID;

-- workspace_ids: a JSON list; NULL: every workspace.
CREATE TABLE personal_token (
  personal_token_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hint TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  workspace_ids TEXT,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE client_session (
  client_session_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  user_identifier_key TEXT,
  connected_account_ids TEXT NOT NULL,
  connect_webview_ids TEXT NOT NULL,
  user_identity_ids TEXT NOT NULL,
  customer_key TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX client_session_by_workspace ON client_session (workspace_id, created_at);
CREATE INDEX client_session_by_user ON client_session (workspace_id, user_identifier_key)
  WHERE user_identifier_key IS NOT NULL;

CREATE TABLE client_session_token (
  hash BLOB PRIMARY KEY,
  client_session_id TEXT NOT NULL REFERENCES client_session ON DELETE CASCADE,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_session_token_by_session ON client_session_token (client_session_id);

CREATE TABLE connect_webview (
  connect_webview_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  created_at INTEGER NOT NULL,
  token BLOB NOT NULL,
  wish TEXT NOT NULL,
  custom_metadata TEXT NOT NULL,
  customer_key TEXT,
  client_session_id TEXT,
  status TEXT NOT NULL,
  selected_provider TEXT,
  connected_account_id TEXT,
  authorized_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX connect_webview_by_workspace ON connect_webview (workspace_id, created_at);

CREATE TABLE customization_profile (
  customization_profile_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  created_at INTEGER NOT NULL,
  name TEXT,
  primary_color TEXT,
  secondary_color TEXT,
  customer_portal_theme TEXT,
  message_overrides TEXT,
  logo BLOB,
  logo_kind TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX customization_profile_by_workspace
  ON customization_profile (workspace_id, created_at);

-- performed: whether the request has written anything; status NULL: not answered yet.
-- Who serves from this database now: a process is taken for dead when alive_until is past.
-- schema_known: the newest version of the schema that it knows.
CREATE TABLE process (
  process_id TEXT PRIMARY KEY,
  works INTEGER NOT NULL,
  schema_known INTEGER NOT NULL,
  alive_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which process keeps the connection of an account.
CREATE TABLE account_owner (
  connected_account_id TEXT PRIMARY KEY,
  process_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_owner_by_process ON account_owner (process_id);

CREATE TABLE idempotency_key (
  scope BLOB PRIMARY KEY,
  created_at INTEGER NOT NULL,
  parameters BLOB NOT NULL,
  token TEXT NOT NULL,
  claimed_until INTEGER NOT NULL,
  performed INTEGER NOT NULL,
  ids TEXT NOT NULL,
  status INTEGER,
  body BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);

CREATE TABLE connected_account (
  connected_account_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  provider TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  connected INTEGER NOT NULL,
  lead_time INTEGER,
  custom_metadata TEXT NOT NULL,
  automatically_manage_new_devices INTEGER NOT NULL,
  accepted_capabilities TEXT NOT NULL,
  suspended INTEGER NOT NULL,
  sync_requested_at INTEGER,
  sync_due TEXT,
  errors TEXT,
  warnings TEXT,
  settings BLOB NOT NULL,
  settings_hash BLOB NOT NULL,
  secrets BLOB NOT NULL,
  UNIQUE (workspace_id, provider, settings_hash)
) STRICT;

CREATE TABLE driver_store (
  connected_account_id TEXT NOT NULL REFERENCES connected_account,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  UNIQUE (connected_account_id, key)
) STRICT;

CREATE TABLE device (
  device_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  connected_account_id TEXT NOT NULL REFERENCES connected_account,
  provider_key TEXT NOT NULL,
  device_type TEXT NOT NULL,
  display_name TEXT NOT NULL,
  manufacturer TEXT NOT NULL,
  model TEXT NOT NULL,
  capabilities TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  is_managed INTEGER NOT NULL,
  backup_pool_enabled INTEGER NOT NULL,
  nickname TEXT,
  serial_number TEXT,
  online INTEGER NOT NULL,
  locked INTEGER,
  door_open INTEGER,
  battery_level REAL,
  auto_lock_enabled INTEGER,
  auto_lock_delay REAL,
  time_zone TEXT,
  reported_time_zone TEXT,
  custom_metadata TEXT NOT NULL,
  errors TEXT,
  warnings TEXT,
  reported_code_lengths TEXT,
  lead_time INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  scanned_at INTEGER,
  audit_at INTEGER,
  failures INTEGER NOT NULL,
  retry_at INTEGER,
  UNIQUE (connected_account_id, provider_key)
) STRICT;
CREATE INDEX device_by_workspace ON device (workspace_id, created_at, device_id);

-- When the engine shall visit a device, and which visit holds it. Small rows of their own: every
-- write of a code touches one.
CREATE TABLE visit (
  device_id TEXT PRIMARY KEY REFERENCES device,
  workspace_id TEXT NOT NULL,
  connected_account_id TEXT NOT NULL,
  due_at INTEGER,
  leased_until INTEGER,
  token INTEGER NOT NULL DEFAULT 0,
  rescan INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_due ON visit (connected_account_id, due_at)
  WHERE due_at IS NOT NULL AND leased_until IS NULL;
CREATE INDEX visit_leased ON visit (leased_until) WHERE leased_until IS NOT NULL;

CREATE TABLE access_code (
  access_code_id TEXT NOT NULL UNIQUE,
  workspace_id TEXT NOT NULL,
  device_id TEXT NOT NULL REFERENCES device,
  connected_account_id TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT,
  pin BLOB NOT NULL,
  pin_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  starts_at INTEGER,
  ends_at INTEGER,
  generation INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  allow_external_modification INTEGER NOT NULL,
  prefer_native_scheduling INTEGER NOT NULL,
  attempt_for_offline_device INTEGER NOT NULL,
  common_code_key TEXT,
  use_backup_pool INTEGER NOT NULL,
  pool TEXT,
  pulled_backup_id TEXT,
  offline TEXT,
  status TEXT NOT NULL,
  evidence_kind TEXT,
  evidence_position INTEGER,
  evidence_generation INTEGER,
  evidence_at INTEGER,
  scheduled_on_device INTEGER NOT NULL,
  delete_requested_at INTEGER,
  deleted_at INTEGER,
  errors TEXT,
  warnings TEXT,
  failures INTEGER NOT NULL,
  retry_at INTEGER,
  blocked TEXT
) STRICT;
-- Serves all codes of a device as well: each index more costs every create a page of its own.
CREATE INDEX access_code_by_pin ON access_code (device_id, pin_hash) WHERE deleted_at IS NULL;
CREATE INDEX access_code_by_workspace ON access_code (workspace_id, created_at, access_code_id)
  WHERE deleted_at IS NULL;
CREATE INDEX access_code_by_key ON access_code (common_code_key)
  WHERE common_code_key IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX access_code_of_pool ON access_code (device_id)
  WHERE pool IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE ledger (
  device_id TEXT NOT NULL REFERENCES device,
  position INTEGER NOT NULL,
  access_code_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  pins BLOB NOT NULL,
  name TEXT,
  scheduled INTEGER NOT NULL,
  starts_at INTEGER,
  ends_at INTEGER,
  phase TEXT NOT NULL,
  written_at INTEGER,
  confirmed_at INTEGER,
  appearance TEXT,
  PRIMARY KEY (device_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_code ON ledger (access_code_id);

CREATE TABLE foreign_code (
  device_id TEXT NOT NULL REFERENCES device,
  position INTEGER NOT NULL,
  unmanaged_access_code_id TEXT NOT NULL,
  pin BLOB,
  pin_hash BLOB,
  name TEXT,
  scheduled INTEGER NOT NULL,
  starts_at INTEGER,
  ends_at INTEGER,
  created_at INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  retry_at INTEGER,
  PRIMARY KEY (device_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX foreign_code_by_id ON foreign_code (unmanaged_access_code_id);
CREATE INDEX foreign_code_by_pin ON foreign_code (device_id, pin_hash) WHERE pin_hash IS NOT NULL;

CREATE TABLE action_attempt (
  action_attempt_id TEXT NOT NULL UNIQUE,
  workspace_id TEXT NOT NULL,
  action_type TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  device_id TEXT,
  access_code_id TEXT,
  generation INTEGER,
  error_type TEXT,
  error_message TEXT,
  parameters TEXT,
  code BLOB
) STRICT;
CREATE INDEX action_attempt_by_workspace
  ON action_attempt (workspace_id, created_at, action_attempt_id);
CREATE INDEX action_attempt_by_device ON action_attempt (device_id, created_at, action_attempt_id);
CREATE INDEX action_attempt_pending_of_code ON action_attempt (access_code_id)
  WHERE status = 'pending' AND access_code_id IS NOT NULL;
CREATE INDEX action_attempt_pending_of_device ON action_attempt (device_id)
  WHERE status = 'pending' AND access_code_id IS NULL;

CREATE TABLE event (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  workspace_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  occurred_at INTEGER NOT NULL,
  device_id TEXT,
  access_code_id TEXT,
  connected_account_id TEXT,
  action_attempt_id TEXT,
  code BLOB,
  code_from BLOB,
  payload TEXT,
  device_metadata TEXT,
  account_metadata TEXT
) STRICT;
CREATE INDEX event_by_workspace ON event (workspace_id, created_at);
CREATE INDEX event_by_device ON event (device_id, created_at) WHERE device_id IS NOT NULL;
CREATE INDEX event_by_code ON event (access_code_id, created_at) WHERE access_code_id IS NOT NULL;

CREATE TABLE webhook (
  webhook_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace,
  url TEXT NOT NULL,
  event_types TEXT NOT NULL,
  secret BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  disabled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- due_at: when the next attempt can be claimed, the end of a lease while one is under way;
-- NULL: delivered or given up. claims counts the leases and is their token.
CREATE TABLE webhook_message (
  message_id TEXT PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhook ON DELETE CASCADE,
  event_id TEXT NOT NULL,
  due_at INTEGER,
  claims INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_message_due ON webhook_message (webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_message_by_webhook ON webhook_message (webhook_id);

CREATE TABLE webhook_attempt (
  webhook_attempt_id INTEGER PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhook ON DELETE CASCADE,
  message_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  attempted_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status_code INTEGER,
  error BLOB,
  response BLOB NOT NULL
) STRICT;
CREATE INDEX webhook_attempt_by_webhook ON webhook_attempt (webhook_id);
