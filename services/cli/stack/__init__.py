"""The local stack of design.md §5: broker, database and services of one platform below one directory.

`up` is the composition root: it starts the servers (`postgres`, `broker`, or `existing` ones), provisions them,
starts the `instances` of the services under a `supervisor` and writes the `stack_file`. `down` stops what is named in
the book of `processes`. `install` puts the Debian packages in place that cannot come from PyPI.
"""
