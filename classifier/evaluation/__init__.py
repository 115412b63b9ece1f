"""How good a classifier's predictions are, on items whose labels are known.

`evaluate_predictions` is the way in; it takes arrays, so that heads and networks are measured alike.
"""
