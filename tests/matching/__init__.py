"""Tests of the objective's terms, one file for each module that they look at."""
