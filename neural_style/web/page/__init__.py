"""The page in the browser: layout, components and events. Read `build.py` first."""
