"""What the ledger keeps in PostgreSQL: tables, named SQL, migrations, and the roles that may touch them."""
