"""Measurements against a real peer and against the machine's limit: `make bench`."""
