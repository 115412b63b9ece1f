"""The spiking classifier: a trained network run as integrate-and-fire neurons under NengoDL, and compared with itself.

An option: everything else works without it, and without its libraries (the extra `snn`).
"""
