-- Each entry of the ledger is written twice within seconds (reserved, confirmed), each code and
-- lock once or twice more in a visit: with room on the page no index hears of it.
ALTER TABLE ledger SET (fillfactor = 50);
ALTER TABLE access_code SET (fillfactor = 60);
ALTER TABLE device SET (fillfactor = 70);

-- Looking the lock up for each entry, and marking it as looked up, cost as much again as the entry.
-- Entries are written by visits alone, which hold the lock's row of `visit`: who deletes a lock
-- deletes that first.
ALTER TABLE ledger DROP CONSTRAINT ledger_device_id_fkey;
