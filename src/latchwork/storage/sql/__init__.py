"""The queries of every aggregate, written once for every database.

To add a table: put it into the schema of each database, beside the others (`sqlite/schema/`,
`postgres/schema/`): instants are microseconds in BIGINT columns, booleans SMALLINT 0 or 1, JSON is
TEXT, ids are TEXT, what is sealed is a BLOB (SQLite's INTEGER and BLOB; PostgreSQL's BIGINT or
SMALLINT and BYTEA). A test compares the two schemas.

To add a query: write SQL that both databases read, with `?` or `?1` for values. What SQLite says
in its own way comes from a phrase of `sql.py` (a list of values, a search, a JSON object), which
`postgres/dialect.py` puts into PostgreSQL's words; there, too, a statement can be given another
form altogether. Reads go through `self._db.reading` (one statement) or `self._db.view()` (several).
Writes are units, `await self._db.write(unit, key)`: coroutine functions of a Transaction that
await nothing but its methods. Use `run_many` for many rows: a round trip costs more than the work.

The conformance suite in tests/integration/storage runs every test on every database.
"""
