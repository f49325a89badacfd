"""The page: layout, widgets, and what happens when they are touched. Read `build.py` first."""
