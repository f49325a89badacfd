"""Many pictures: a manifest's rows on this machine or on a Ray cluster.

Read `command.py` first. `manifest.py` makes jobs (`jobs.py`), a pool (`pool.py`, `ray_pool.py`)
runs them, and the ledger (`ledger.py`) records them. Only the shell and the page import from here.
"""
