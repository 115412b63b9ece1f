"""Bulk catalogue ingestion: feed to photos to embeddings to store, restartable.

Stands on `search` and `classifier`; knows nothing of HTTP, settings or the command line.
"""
