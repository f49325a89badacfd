"""The page and its API, by Gradio.

Read `page/build.py` first. `page/` has the widgets and what they do, `run/` the handlers that call
`stylize`, `text/` all words in two languages, `serve.py` the server's settings.
"""
