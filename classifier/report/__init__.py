"""A report on a classifier: one folder with a page to open and the plots on it.

`write_report` is the way in; it takes arrays and figures, whatever they are of.
"""
