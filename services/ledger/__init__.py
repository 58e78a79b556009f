"""The ledger: takes each batch in one transaction, and answers every question about what was sent and answered."""
