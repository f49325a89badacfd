"""Minimizes the objective: the guarded loop, the optimizers, and the canvas parametrizations.

Read `optimize.py` first. An optimizer (`optimizers.py`) takes steps in the coordinates of a canvas
(`canvas.py`): pixels, or cosine coefficients. `engines.py` lists the combinations.
"""
