"""Films: read, painted frame by frame without flicker, written with their sound.

Read `paint.py` first: each frame begins from the last result, moved along the optical flow.
`repaint.py` paints a whole film; `pieces.py` divides it among workers. `read.py` and `write.py`
know files, `flow.py` and `raft.py` find motion, `cuts.py` finds scenes, `flicker.py` measures.
"""
