"""The history of the tables: each change of the schema keeps the data that is there (Alembic, batch mode)."""
