"""Reads and writes pictures and films; colors, masks and sizes.

Read `files.py` first: `load_image` and `save_image`. Everywhere else a picture is an `ImageTensor`:
sRGB, float32, 1 × 3 × height × width, in [0, 1].
"""
