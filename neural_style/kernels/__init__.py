"""CPU kernels compiled by numba: Winograd convolutions with 3 × 3 filters.

Read `winograd.py` first. `choice.py` decides whether the kernels are used; the other modules, and
numba, are imported when one first runs. From outside, import `choice` and `winograd`.
"""
