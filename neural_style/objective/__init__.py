"""What is minimized: a list of terms, each from the activations of the canvas to a loss.

Read `terms.py` first, then `make.py`, which builds the list from pictures. A term is one file:
`content`, `moments` (Gram matrices and their kin), `variation`; the one by matches has a package of
its own, `matching`.
From outside, import `make_objective`, `Emphasis`, `Wanted` and what follows from this package.
"""

from neural_style.objective.make import (
    NEAREST,
    STYLE_STATISTICS,
    UNITS,
    Emphasis,
    Wanted,
    make_objective,
    retarget,
)
from neural_style.objective.terms import Objective, Term

__all__ = [
    "NEAREST",
    "STYLE_STATISTICS",
    "UNITS",
    "Emphasis",
    "Objective",
    "Term",
    "Wanted",
    "make_objective",
    "retarget",
]
