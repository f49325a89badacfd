"""Plans made before a run: its sizes and iterations, its memory, its time.

Read `schedule.py` first. `defaults.py` puts the usual values in place of `auto` and 0, `memory.py`
chooses strips that fit, and `clock.py` estimates the time left.
"""
