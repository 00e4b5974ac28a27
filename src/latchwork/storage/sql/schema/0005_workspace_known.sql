-- No older process makes rows without their workspace any more.
UPDATE ledger SET workspace_id =
  (SELECT d.workspace_id FROM device d WHERE d.device_id = ledger.device_id)
  WHERE workspace_id IS NULL;
UPDATE foreign_code SET workspace_id =
  (SELECT d.workspace_id FROM device d WHERE d.device_id = foreign_code.device_id)
  WHERE workspace_id IS NULL;
UPDATE driver_store SET workspace_id =
  (SELECT a.workspace_id FROM connected_account a
   WHERE a.connected_account_id = driver_store.connected_account_id)
  WHERE workspace_id IS NULL;
UPDATE webhook_message SET workspace_id =
  (SELECT w.workspace_id FROM webhook w WHERE w.webhook_id = webhook_message.webhook_id)
  WHERE workspace_id IS NULL;
UPDATE webhook_attempt SET workspace_id =
  (SELECT w.workspace_id FROM webhook w WHERE w.webhook_id = webhook_attempt.webhook_id)
  WHERE workspace_id IS NULL;
