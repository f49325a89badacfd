"""The fixed network that looks at pictures: its layers, its weights, and passes through it.

Read `extractor.py` first: `load_network` makes a network of an architecture (`architectures.py`,
listed in `backbones.py`) and weights (`weights.py`, `hub.py`). `strips.py` takes a picture through
it in parts that fit the memory, and `autograd.py` reads activations with cheap gradients.
"""
