-- A look-up of a lock's codes, or of a code by its id, implied these indexes' conditions too. As long
-- as the statistics told of an almost empty table, walking all of one seemed as cheap as entering the
-- right one, and cost a millisecond for some thousand codes of the installation. Now only what names
-- a workspace, or a lock, implies them.
CREATE INDEX access_code_in_workspace ON access_code (workspace_id, created_at, access_code_id)
  WHERE deleted_at IS NULL AND workspace_id IS NOT NULL;
DROP INDEX access_code_by_workspace;
CREATE INDEX access_code_of_device ON access_code (device_id, pin_hash)
  WHERE deleted_at IS NULL AND device_id IS NOT NULL;
DROP INDEX access_code_by_pin;
