"""How templates of pages are filled."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, known: Mapping[str, Any], **told: Any) -> str:
    """Fill a template.

    Args:
        template: its file among the templates.
        known: what its macros have, too.
        told: what only the template itself has.

    Returns:
        The page.
    """
    # Names of files and tags come from strangers, so everything is escaped.
    environment = Environment(
        loader=PackageLoader("rawtone.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(known)
    return environment.get_template(template).render(**told) + "\n"
