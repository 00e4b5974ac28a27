ALTER TABLE ledger ALTER COLUMN workspace_id SET NOT NULL;
ALTER TABLE foreign_code ALTER COLUMN workspace_id SET NOT NULL;
ALTER TABLE driver_store ALTER COLUMN workspace_id SET NOT NULL;
ALTER TABLE webhook_message ALTER COLUMN workspace_id SET NOT NULL;
ALTER TABLE webhook_attempt ALTER COLUMN workspace_id SET NOT NULL;
