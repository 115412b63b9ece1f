"""Photo or embedding to attributes: heads, networks, their training and evaluation.

Stands on `search`; knows nothing of feeds, HTTP or the command line.
"""
