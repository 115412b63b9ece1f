"""HTTP: routes, wire schemas, errors and limits.

Works with one open catalogue handed to `api.app.create_app`. Knows nothing of settings, feeds or the command line.
"""
