"""What is kept of a run: the recipe in a picture's file, and the checkpoint to go on from.

Read `recipe.py` first. `conditions.py` says under which precision and memory plan a run went.
"""
