"""The version, alone, so that a build can read it without loading anything."""

__version__ = "0.1.0"
