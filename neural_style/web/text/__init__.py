"""Translations of the page's texts and the core's messages. Read `texts.py` first."""
