-- oldest: 1
-- A webhook's secret before the last rotation and until when it signs too; since when deliveries do
-- nothing but fail, and the last failure noted of these; when and why it was disabled.
ALTER TABLE webhook ADD COLUMN previous_secret BLOB;
ALTER TABLE webhook ADD COLUMN previous_secret_until INTEGER;
ALTER TABLE webhook ADD COLUMN failing_since INTEGER;
ALTER TABLE webhook ADD COLUMN failing_last INTEGER;
ALTER TABLE webhook ADD COLUMN disabled_at INTEGER;
ALTER TABLE webhook ADD COLUMN disabled_reason TEXT;

-- By the event too, for what is sent again.
DROP INDEX webhook_message_by_webhook;
CREATE INDEX webhook_message_by_event ON webhook_message (webhook_id, event_id);
