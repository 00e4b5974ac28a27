-- What is deleted from one end all the time is vacuumed often: each look for the oldest rows would
-- wade through the dead ones otherwise.
ALTER TABLE event SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE webhook_attempt SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE inbound_delivery SET
  (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
