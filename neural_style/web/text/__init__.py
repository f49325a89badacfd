"""The texts of the page in two languages, and the core's in Chinese. Read `texts.py` first."""
