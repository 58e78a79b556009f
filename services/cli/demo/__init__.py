"""`huizhi demo`: a national platform, a district that is asked 714 times over each tier, and the 713 answers to each.

Everything here is a participant's or an operator's doing: it knows of the exchange what the integrator's guide says.

    cast       who takes part, and their secrets
    script     what they send and answer
    account    a participant's way to the broker, taken anew whenever it is lost
    inbox      reading an inbox
    origins    publishing the queries, reading the answers
    district   answering what comes in
    opening    the moment from which a run is counted
    play       all of that at once, until the ledger says that it is done
    tally      how far it is, and `view`, what of it is seen
    report     the figures at the end
    command    the command itself
"""
