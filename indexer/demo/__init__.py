"""A catalogue to try Vitrine with: garments in a dozen named colours on white, category and colour both true.

Works with Fashion-MNIST, or with garments it draws itself. Knows nothing of stores, encoders or settings.
"""
