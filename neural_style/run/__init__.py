"""Everything of a run except its steps: checked pictures, loaded network, prepared passes.

Read `job.py` first: `prepare` makes everything that `transfer.py` works with. `begin.py` makes
each pass ready, `passes.py` finds its matches, `styles.py` and `start.py` prepare the pictures,
`frame.py` is the result.
"""
