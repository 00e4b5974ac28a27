-- Whoever shards the tables by their workspace, or divides them into partitions, may have keys only
-- that contain it, and references with it. After the id, which alone finds the row.
ALTER TABLE client_session_token ALTER COLUMN workspace_id SET NOT NULL;

ALTER TABLE access_code DROP CONSTRAINT access_code_device_id_fkey;
ALTER TABLE client_session_token DROP CONSTRAINT client_session_token_client_session_id_fkey;
ALTER TABLE device DROP CONSTRAINT device_connected_account_id_fkey;
ALTER TABLE driver_store DROP CONSTRAINT driver_store_connected_account_id_fkey;
ALTER TABLE foreign_code DROP CONSTRAINT foreign_code_device_id_fkey;
ALTER TABLE inbound_delivery DROP CONSTRAINT inbound_delivery_connected_account_id_fkey;
ALTER TABLE visit DROP CONSTRAINT visit_device_id_fkey;
ALTER TABLE webhook_attempt DROP CONSTRAINT webhook_attempt_webhook_id_fkey;
ALTER TABLE webhook_message DROP CONSTRAINT webhook_message_webhook_id_fkey;

ALTER TABLE access_code DROP CONSTRAINT access_code_access_code_id_key,
  ADD CONSTRAINT access_code_access_code_id_key UNIQUE (access_code_id, workspace_id);
ALTER TABLE action_attempt DROP CONSTRAINT action_attempt_action_attempt_id_key,
  ADD CONSTRAINT action_attempt_action_attempt_id_key UNIQUE (action_attempt_id, workspace_id);
ALTER TABLE api_key
  DROP CONSTRAINT api_key_pkey,
  ADD CONSTRAINT api_key_pkey PRIMARY KEY (api_key_id, workspace_id),
  DROP CONSTRAINT api_key_hash_key,
  ADD CONSTRAINT api_key_hash_key UNIQUE (hash, workspace_id);
ALTER TABLE client_session DROP CONSTRAINT client_session_pkey,
  ADD CONSTRAINT client_session_pkey PRIMARY KEY (client_session_id, workspace_id);
ALTER TABLE client_session_token DROP CONSTRAINT client_session_token_pkey,
  ADD CONSTRAINT client_session_token_pkey PRIMARY KEY (hash, workspace_id);
ALTER TABLE connect_webview DROP CONSTRAINT connect_webview_pkey,
  ADD CONSTRAINT connect_webview_pkey PRIMARY KEY (connect_webview_id, workspace_id);
ALTER TABLE connected_account DROP CONSTRAINT connected_account_pkey,
  ADD CONSTRAINT connected_account_pkey PRIMARY KEY (connected_account_id, workspace_id);
ALTER TABLE console_link DROP CONSTRAINT console_link_pkey,
  ADD CONSTRAINT console_link_pkey PRIMARY KEY (hash, workspace_id);
ALTER TABLE console_session DROP CONSTRAINT console_session_pkey,
  ADD CONSTRAINT console_session_pkey PRIMARY KEY (hash, workspace_id);
ALTER TABLE customization_profile DROP CONSTRAINT customization_profile_pkey,
  ADD CONSTRAINT customization_profile_pkey PRIMARY KEY (customization_profile_id, workspace_id);
ALTER TABLE device
  DROP CONSTRAINT device_pkey,
  ADD CONSTRAINT device_pkey PRIMARY KEY (device_id, workspace_id),
  DROP CONSTRAINT device_connected_account_id_provider_key_key,
  ADD CONSTRAINT device_connected_account_id_provider_key_key
    UNIQUE (connected_account_id, provider_key, workspace_id);
ALTER TABLE driver_store DROP CONSTRAINT driver_store_connected_account_id_key_key,
  ADD CONSTRAINT driver_store_connected_account_id_key_key
    UNIQUE (connected_account_id, key, workspace_id);
ALTER TABLE event
  DROP CONSTRAINT event_pkey,
  ADD CONSTRAINT event_pkey PRIMARY KEY (sequence, workspace_id),
  DROP CONSTRAINT event_event_id_key,
  ADD CONSTRAINT event_event_id_key UNIQUE (event_id, workspace_id);
ALTER TABLE foreign_code DROP CONSTRAINT foreign_code_pkey,
  ADD CONSTRAINT foreign_code_pkey PRIMARY KEY (device_id, position, workspace_id);
DROP INDEX foreign_code_by_id;
CREATE UNIQUE INDEX foreign_code_by_id ON foreign_code (unmanaged_access_code_id, workspace_id);
ALTER TABLE inbound_delivery DROP CONSTRAINT inbound_delivery_pkey,
  ADD CONSTRAINT inbound_delivery_pkey PRIMARY KEY (delivery_id, workspace_id);
ALTER TABLE ledger DROP CONSTRAINT ledger_pkey,
  ADD CONSTRAINT ledger_pkey PRIMARY KEY (device_id, position, workspace_id);
ALTER TABLE visit DROP CONSTRAINT visit_pkey,
  ADD CONSTRAINT visit_pkey PRIMARY KEY (device_id, workspace_id);
ALTER TABLE webhook DROP CONSTRAINT webhook_pkey,
  ADD CONSTRAINT webhook_pkey PRIMARY KEY (webhook_id, workspace_id);
ALTER TABLE webhook_attempt DROP CONSTRAINT webhook_attempt_pkey,
  ADD CONSTRAINT webhook_attempt_pkey PRIMARY KEY (webhook_attempt_id, workspace_id);
ALTER TABLE webhook_message DROP CONSTRAINT webhook_message_pkey,
  ADD CONSTRAINT webhook_message_pkey PRIMARY KEY (message_id, workspace_id);

ALTER TABLE access_code ADD CONSTRAINT access_code_device_id_fkey
  FOREIGN KEY (device_id, workspace_id) REFERENCES device;
ALTER TABLE client_session_token ADD CONSTRAINT client_session_token_client_session_id_fkey
  FOREIGN KEY (client_session_id, workspace_id) REFERENCES client_session ON DELETE CASCADE;
ALTER TABLE device ADD CONSTRAINT device_connected_account_id_fkey
  FOREIGN KEY (connected_account_id, workspace_id) REFERENCES connected_account;
ALTER TABLE driver_store ADD CONSTRAINT driver_store_connected_account_id_fkey
  FOREIGN KEY (connected_account_id, workspace_id) REFERENCES connected_account;
ALTER TABLE foreign_code ADD CONSTRAINT foreign_code_device_id_fkey
  FOREIGN KEY (device_id, workspace_id) REFERENCES device;
ALTER TABLE inbound_delivery ADD CONSTRAINT inbound_delivery_connected_account_id_fkey
  FOREIGN KEY (connected_account_id, workspace_id) REFERENCES connected_account ON DELETE CASCADE;
ALTER TABLE visit ADD CONSTRAINT visit_device_id_fkey
  FOREIGN KEY (device_id, workspace_id) REFERENCES device;
ALTER TABLE webhook_attempt ADD CONSTRAINT webhook_attempt_webhook_id_fkey
  FOREIGN KEY (webhook_id, workspace_id) REFERENCES webhook ON DELETE CASCADE;
ALTER TABLE webhook_message ADD CONSTRAINT webhook_message_webhook_id_fkey
  FOREIGN KEY (webhook_id, workspace_id) REFERENCES webhook ON DELETE CASCADE;

-- In order: the newest attempts of an endpoint are found though others have had millions since.
DROP INDEX webhook_attempt_by_webhook;
CREATE INDEX webhook_attempt_by_webhook ON webhook_attempt (webhook_id, webhook_attempt_id);
