"""The style term by matches: each canvas position is matched with a similar style position.

Read `matcher.py` first, then `nearest.py`, which finds the matches. `term.py` is the term of the
objective; `patches.py` builds a start picture from matched patches. From outside, import `Matcher`,
`make_matcher`, the functions of `nearest.py` and `patches.py`, and `indices.py`, which packs
matches for a checkpoint.
"""
