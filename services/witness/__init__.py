"""A witness: it confirms a log's checkpoints as long as the log only ever grows, and remembers the newest of each.

Source: C2SP tlog-witness. Whoever trusts a witness knows that a log which it has cosigned shows everybody the same
history; so a witness is run by somebody else than the log.

    request    what a log asks for: an older size, a consistency proof, a checkpoint
    trust      which logs are known, and by which keys
    judging    whether a checkpoint goes on from the one before it
    record     the newest checkpoint of each log, on disk
    identity   the witness's own key
    witness    the three steps of a cosignature: judge, record, sign
    api        the same over HTTP
    serving    a witness as a process
"""
