"""Labelled images to train and measure on: one port, and what can stand behind it.

Knows nothing of networks, of training or of feeds.
"""
