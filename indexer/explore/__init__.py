"""Looking at a catalogue as a whole: maps of it, and the looks it falls into.

Nothing is imported here.
"""
