"""What is stored of a run: the recipe in a PNG, and the checkpoint to continue from.

Read `recipe.py` first. `conditions.py` records the precision and the memory plan of a run.
"""
