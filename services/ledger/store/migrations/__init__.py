"""The schema's history, forward only; run by ``services.ledger.store.provision``."""
