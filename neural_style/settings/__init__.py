"""Settings: names, defaults and ranges, presets, and their form as text.

Read `settings.py` first. The flags of the shell, the widgets of the page, the parameters of the API
and the keys of a recipe are made from `Settings`. `table.py` makes docs/settings.md from it.
"""
