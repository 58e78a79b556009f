"""The independent verifier: whether a log is what it says it is, found out from its public files and its key alone.

It shares with the ledger what both sides agree on (``contracts``: the leaf, the tree's arithmetic, signed notes) and
nothing else: what an entry does to a figure is written here a second time.

    source      the log's files over HTTP
    intake      the files' bytes: bundles against hash tiles, the tree that grows
    replay      what every entry may say after those before it
    records     what is remembered of messages, duties and cohorts
    state       where that is kept, and what was verified last
    closings    the table of a closed month, counted anew
    numbering   the senders' own numbers: gaps and repeats
    history     whether the log continues the one that was seen last
    verify      all of it, in order
    result      what came of it

VerifierError            nothing was found out; the message says why
├── SourceError          the log does not answer, or not as a log
├── NewerVersionError    its entries have a form that came after this verifier
└── StateError           the file of a former verification cannot be used
"""
