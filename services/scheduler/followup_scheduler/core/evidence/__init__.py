"""Choosing by what persons have answered so far: channels, hours, texts.

All of it is counted, none of it is a secret: whatever is chosen comes with the figures that
chose it. Nothing here asks for chance but through a seed, so that the same question has
the same answer wherever it is asked.
"""
