"""The status area: HTML for a `Status`."""

from __future__ import annotations

import html

from neural_style.web.run.status import Status
from neural_style.web.text.texts import escape_markdown


def status_html(status: Status) -> str:
    """The status as HTML of a fixed height; a live region, so that screen readers read it."""
    bar = ""
    if status.kind == "busy" and status.fraction is not None:
        width = f"{100 * status.fraction:.1f}%"
        bar = f'<div class="bar"><div class="filled" style="width:{width}"></div></div>'
    detail = f"<p>{html.escape(status.detail)}</p>" if status.detail else ""
    return (
        f'<div class="status {status.kind}" data-field="{html.escape(status.field)}"'
        f' role="status" aria-live="polite">'
        f"<strong>{html.escape(status.headline)}</strong>{detail}{bar}</div>"
    )


def details_text(status: Status) -> str:
    """The losses and the note, as Markdown without markup."""
    return "  \n".join(escape_markdown(text) for text in (status.losses, status.note) if text)
