-- No older process makes tokens without their workspace any more.
UPDATE client_session_token SET workspace_id =
  (SELECT s.workspace_id FROM client_session s
   WHERE s.client_session_id = client_session_token.client_session_id)
  WHERE workspace_id IS NULL;
