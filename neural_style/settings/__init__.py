"""The knobs: their names, defaults and ranges, the presets, and how words become values.

Read `settings.py` first: from `Settings` come the flags of the shell, the widgets of the page, the
parameters of the API and the keys of a recipe. `table.py` makes docs/settings.md from it.
"""
