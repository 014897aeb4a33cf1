"""Engines, transactions, roles, the embedded server and the migration runner."""

from followup_database.attempts import committed
from followup_database.beside import beside
from followup_database.engine import Database, Row, Transaction
from followup_database.errors import DatabaseError, MissingDatabase, NotCommitted
from followup_database.ids import new_id
from followup_database.joining import together
from followup_database.migrations import Owner, migrate
from followup_database.roles import Role

__all__ = [
    "Database",
    "DatabaseError",
    "MissingDatabase",
    "NotCommitted",
    "Owner",
    "Role",
    "Row",
    "Transaction",
    "beside",
    "committed",
    "migrate",
    "new_id",
    "together",
]
