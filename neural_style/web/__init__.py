"""The page: texts, handlers and layout. It calls `stylize` and nothing deeper."""
