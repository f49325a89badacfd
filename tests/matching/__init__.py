"""Tests of the style term by matches."""
