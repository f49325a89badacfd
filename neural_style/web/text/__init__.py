"""Every word of the page, in English and Chinese. Read `texts.py` first."""
