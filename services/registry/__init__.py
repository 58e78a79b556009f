"""Who is on the exchange: directory, participants with accounts and tokens, kinds; and the snapshot of all that."""
