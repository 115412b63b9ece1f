"""Adapters of the store port: Qdrant Edge in this process, Qdrant Edge in a child process, a Qdrant server.

Works with points and conditions. Knows nothing of photos' pixels, encoders or HTTP.
"""
