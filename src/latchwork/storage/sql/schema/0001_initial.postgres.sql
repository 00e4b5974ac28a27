-- One row a workspace, locked by every transaction that stores events of it, from the first of
-- them to the commit: created_at of the newest event, which the next one's exceeds, so that a list
-- of what is new never skips an event that is committed later. webhooks: counts the changes of the
-- workspace's endpoints.
CREATE TABLE event_head (
  workspace_id TEXT PRIMARY KEY,
  created_at BIGINT NOT NULL,
  webhooks BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Rows that are rewritten all the time get room beside them, which saves their indexes the work.
ALTER TABLE visit SET
  (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE access_code SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ledger SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE action_attempt SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE webhook_message SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
