-- oldest: 5
-- The token of a client session says whose it is, as every row of a workspace does. Those of older
-- processes lack it until 0011.
ALTER TABLE client_session_token ADD COLUMN workspace_id TEXT;
