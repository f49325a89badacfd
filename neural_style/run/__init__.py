"""A run, before and between its steps: pictures checked, network loaded, passes begun.

Read `job.py` first: `prepare` makes everything that `transfer.py` works with. `passes.py` begins a
pass by matches, `styles.py` and `start.py` prepare the pictures, `frame.py` is what comes out.
"""
