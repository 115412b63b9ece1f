"""Networks from pixels to attributes: their cards, the registry, and what is common to all of them.

Knows nothing of how they are trained.
"""
