"""The objective: a list of terms, each of which turns the canvas's activations into losses.

Read `terms.py` first, then `make.py`, which builds the list from pictures. Each term has one file:
`content`, `moments` (Gram matrices and related statistics), `variation`, `temporal`; the last two
read the pixels alone. The nearest-neighbor style term has a package of its own, `matching`. From
outside, import the names in `__all__`, and the pure functions of `losses.py` and `statistics.py`.
"""

from neural_style.objective.make import (
    NEAREST,
    STYLE_STATISTICS,
    UNITS,
    LossConfig,
    StyleTarget,
    make_objective,
    retarget,
)
from neural_style.objective.terms import Objective, Term

__all__ = [
    "NEAREST",
    "STYLE_STATISTICS",
    "UNITS",
    "LossConfig",
    "Objective",
    "StyleTarget",
    "Term",
    "make_objective",
    "retarget",
]
