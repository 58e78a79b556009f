"""`huizhi reconcile`: a participant's own list of its queries beside the ledger's, every difference resolved.

own_list     reads the participant's file
difference   one difference, and why it is one
reasons      why the ledger does not have a query where the participant has it
comparison   the two beside each other
report       what of it is printed
command      the command itself
"""
