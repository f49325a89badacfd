"""Plans made before a run: sizes and iterations, memory, time.

Read `schedule.py` first. `defaults.py` resolves `auto` and 0, `memory.py` chooses strips that fit
into memory, and `clock.py` estimates the time left.
"""
