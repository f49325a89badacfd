"""Handlers of the page and the API, their checks and stored results. Read `handlers.py` first."""
