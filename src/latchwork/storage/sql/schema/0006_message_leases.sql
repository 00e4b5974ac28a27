-- oldest: 5
-- Whether a message's due_at is the end of a lease.
ALTER TABLE webhook_message ADD COLUMN leased INTEGER NOT NULL DEFAULT 0;
