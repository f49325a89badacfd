"""The fixed network: its layers, its weights, and passes through it.

Read `extractor.py` first: `load_network` makes a network from an architecture (`architectures.py`,
listed in `backbones.py`) and weights (`weights.py`, `hub.py`). `strips.py` runs it in strips that
fit into memory, and `autograd.py` reads activations with cheap gradients.
"""
