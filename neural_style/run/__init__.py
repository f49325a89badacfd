"""Everything of a run except its steps: checked pictures, loaded network, prepared passes.

Read `job.py` first: `prepare` makes everything that `transfer.py` works with. `passes.py` begins a
pass by matches, `styles.py` and `start.py` prepare the pictures, `frame.py` is the result.
"""
