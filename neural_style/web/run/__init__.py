"""From a visitor's press to frames: handlers, checks, results. Read `handlers.py` first."""
