"""The texts of the page in English and Chinese, and the core's in Chinese. Read `texts.py` first."""
