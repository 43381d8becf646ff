"""Render pages from the templates beside this file."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("wriftai_server.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def html(template: str, **values: Any) -> Response[str]:
    """Fill in a template.

    Args:
        template: Its name, without `.html`.
        values: What it names.
    """
    text = _templates().get_template(f"{template}.html").render(**values)
    return Response(text, media_type=MediaType.HTML, headers=_SECURITY)
