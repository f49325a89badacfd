"""What surrounds the optimization of a picture: how a run is prepared and how its passes begin.

Read `job.py` first. `transfer.py` imports both modules; nothing else does.
"""
