"""Many pictures and films: on this machine, or on a Ray cluster.

Read `driver.py` first; `command.py` has the shell's flags. `manifest.py` makes jobs (`jobs.py`), a
pool (`pool.py`, `ray_pool.py`) runs them, the ledger (`ledger.py`) records them; `films.py` does
films. Only the shell imports from here.
"""
