"""The style term by matches: each place of the canvas and the style's place that it resembles.

Read `matcher.py` first, then `nearest.py`, which finds the matches. `matches.py` is the term that
the objective gets; `patches.py` pieces a start picture together. From outside, import `Matcher`,
`make_matcher`, the functions of `nearest.py` and `patches.py`, and `found.py`, which packs matches
for a checkpoint.
"""
