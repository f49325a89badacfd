"""The page and its API, by Gradio.

Read `page/build.py` first. `page/` has the components and events, `run/` the handlers that call
`stylize`, `text/` the translation tables, `serve.py` the settings of the server.
"""
