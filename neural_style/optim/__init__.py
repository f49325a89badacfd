"""Minimizing the objective: the guarded loop, its optimizers, and what they move.

Read `optimize.py` first. An optimizer (`optimizers.py`) takes steps in the coordinates of a canvas
(`canvas.py`): pixels, or cosine coefficients. `engines.py` lists which go together.
"""
