"""Pictures: files to tensors and back, colors, masks, films.

Read `files.py` first: `load_image` and `save_image`. A picture is an `ImageTensor` everywhere else:
sRGB, float32, 1 × 3 × height × width, in [0, 1].
"""
