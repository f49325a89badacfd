"""The page's languages: texts of the page and of the core's messages. Read `texts.py` first.

A language is an entry of `languages.LANGUAGES`; its tables are in modules of their own.
"""
