"""Training networks on labelled images: settings, losses, augmentation, the loop, its checkpoints.

Stands on `classifier.networks` and the port to images; knows nothing of feeds or of the command line.
"""
