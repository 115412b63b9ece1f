"""Heads: a small multi-task network on frozen pools, trained in a minute on the feed's own labels.

torch trains it, numpy runs it. Works with pools and labels; knows nothing of photos, feeds or stores.
"""
