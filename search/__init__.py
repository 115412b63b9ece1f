"""What everything stands on: items, photos, embeddings, encoders, stores, and a query turned into hits.

Works with photos and vectors. Knows nothing of feeds, HTTP, settings or the command line.
"""
