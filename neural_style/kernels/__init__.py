"""Kernels for the CPU, compiled by numba: convolutions of three by three by Winograd's filtering.

Read `winograd.py` first. `choice.py` decides whether kernels are used at all; what else stands
here is loaded when one first runs, and numba with it. From outside, import `choice` and `winograd`.
"""
