"""Storage on PostgreSQL: many processes, group commit, notices between them."""

from latchwork.storage.postgres.storage import PostgresStorage

__all__ = ["PostgresStorage"]
