-- oldest: 5
-- Of a process that holds a lock for as long as its session with the database lasts: the server
-- where it does, and when it should have been heard of again. Past that, it is dead when nobody
-- holds the lock.
ALTER TABLE process ADD COLUMN server TEXT;
ALTER TABLE process ADD COLUMN expected_by INTEGER;
