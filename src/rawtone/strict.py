"""The base of all tables of settings."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rawtone.errors import nearest

NAME = r"^[a-z0-9][a-z0-9_-]*$"
Name = Annotated[str, Field(pattern=NAME)]


def unequal(*values: list[Any]) -> None:
    """Raise ValueError where a list has a value twice."""
    for listing in values:
        if any(value in listing[:place] for place, value in enumerate(listing)):
            raise ValueError(f"expected no value twice, found {listing}")


class Settings(BaseModel):
    """A table of settings: no unknown keys, no values converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _suggest_known_keys(cls, table: Any) -> Any:
        if isinstance(table, dict):
            for key in table:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "unknown key '{key}'; {hint}",
                        {"key": str(key), "hint": nearest(str(key), list(cls.model_fields))},
                    )
        return table
