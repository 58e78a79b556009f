"""The gateway: authenticates senders, validates envelopes, and hands batches to the ledger. It keeps nothing."""
