"""Types of columns that hold the same, and compare alike, on every database.

Text is compared byte by byte, whatever the language that a PostgreSQL was set up with, and whole numbers have
64 bits, as on SQLite.
"""

import sqlalchemy

Text = sqlalchemy.Text().with_variant(sqlalchemy.Text(collation="C"), "postgresql")
Integer = sqlalchemy.Integer().with_variant(sqlalchemy.BigInteger(), "postgresql")

TransactionId = sqlalchemy.BigInteger()
# SQLite numbers the rows of a column that it calls an integer, and of no other.
RowId = sqlalchemy.BigInteger().with_variant(sqlalchemy.Integer(), "sqlite")
