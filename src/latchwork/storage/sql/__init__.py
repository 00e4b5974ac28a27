"""The queries of every aggregate, written once for every database.

To add a table: write it into `schema/0001_initial.sql` in SQLite's words; PostgreSQL reads the same
with its own names of the types. Instants are microseconds and booleans 0 or 1 (INTEGER), JSON and
ids TEXT, what is sealed or hashed BLOB. What PostgreSQL alone needs goes beside it.

To add a query: write SQL that both databases read, with `?` or `?1` for values. What SQLite says
in its own way comes from a phrase of `sql.py` (a list of values, a search, a JSON object), which
`postgres/dialect.py` puts into PostgreSQL's words; there, too, a statement can be given another
form altogether. Reads go through `self._db.reading` (one statement), `self._db.read(unit)`
(several, with what others read) or `self._db.view()` (several and much, alone).
Writes are units, `await self._db.write(unit, *keys)`: coroutine functions of a Transaction that
await nothing but its methods. Use `run_many` for many rows: a round trip costs more than the work.

The conformance suite in tests/integration/storage runs every test on every database.
"""
