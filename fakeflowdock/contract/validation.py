"""Validate values against schemas.

`jsonschema_rs` checks first, if it is installed, because it is a hundred times faster. `jsonschema` produces every
error message, in `explanations.py`. No other module uses a JSON Schema library.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from .formats import FORMATS, REMEMBERED
from .schema_walk import SchemaPlace, standalone
from .violations import BLANK, MOST, Violation, by_field, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import jsonschema_rs
    from jsonschema import Draft202012Validator

try:
    import jsonschema_rs as fast
except ImportError:  # no wheel for this platform: slower, with the same results
    fast = None  # type: ignore[assignment]  # a module or nothing

__all__ = ["ADMIN", "API", "BLANK", "MOST", "Check", "Pages", "Violation", "by_field", "folder_of", "missing"]

API, ADMIN = "api", "admin"  # the parts of the contract: Flowdock's operations and our own, each a folder in `docs`


def folder_of(part: str) -> str:
    """Return the folder of a part in `schemas`, as a prefix of a name."""
    return "" if part == API else f"{part}/"


PIECE = 100  # items of a list that are checked at once


class Check:
    """A schema to validate values against.

    Args:
        ours: whether the values are our own responses, not requests.

    Attributes:
        schema: its place, `schemas/sources.json#create-source.201`.
        address: its `$id` and anchor, a URL that every fake serves.
        pages: the schemas to which it refers; its own is `anchor` of `page`.
    """

    def __init__(self, pages: Pages, page: str, anchor: str, *, ours: bool = False) -> None:
        self._formats = REMEMBERED if ours else FORMATS
        self.schema = f"schemas/{folder_of(pages.part)}{page}.json#{anchor}"
        self.address = f"{pages.schemas[page]['$id']}#{anchor}"
        self.pages, self.page, self.anchor = pages, page, anchor

    @cached_property
    def place(self) -> SchemaPlace:
        """The schema itself."""
        return SchemaPlace(self.pages.schemas, self.page, {}).to({"$ref": f"#{self.anchor}"})

    def violations(self, value: Any) -> list[Violation]:
        """Return each place where a value violates the schema, up to the first `MOST`.

        Args:
            value: a value as `json.loads` returns it.
        """
        if (is_valid := self._verdict) is not None:
            try:
                # The fast validator lets no other thread run, so that parts of a long list are checked one by one.
                is_long = type(value) is list and len(value) > PIECE and self._is_of_items
                if all(map(is_valid, _pieces(value))) if is_long else is_valid(value):
                    return []
            except (ValueError, OverflowError):
                pass  # the number is too large for Rust
        from .explanations import violations_of

        return [*islice((v for error in self._validator.iter_errors(value) for v in violations_of(error)), MOST)]

    @cached_property
    def _is_of_items(self) -> bool:
        """Whether a list is valid if its items are."""
        return {"minItems", "maxItems", "uniqueItems", "contains", "prefixItems"}.isdisjoint(self.place.schema)

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return self.pages.validator(self.address)

    @cached_property
    def _verdict(self) -> Callable[[Any], bool] | None:
        if fast is None:
            return None
        return self.pages.fast_validator(self.page, self.anchor, self._formats).is_valid


class Pages:
    """The compiled pages.

    Args:
        schemas: page name (`sources`) to the content of its schema file.
        part: the part of the contract.
    """

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], part: str = API) -> None:
        self.schemas = schemas
        self.part = part

    @cached_property
    def validator(self) -> Callable[[str], Draft202012Validator]:
        """The function from an address to its validator."""
        from .explanations import validators_of

        return validators_of({schema["$id"]: schema for schema in self.schemas.values()})

    def fast_validator(
        self, page: str, anchor: str, formats: dict[str, Callable[[str], bool]]
    ) -> jsonschema_rs.Draft202012Validator:
        """Return the fast validator of a schema. It copies what it gets, so it gets what that schema needs."""
        assert fast is not None
        return fast.Draft202012Validator(standalone(self.schemas, page, anchor), validate_formats=True, formats=formats)


def _pieces(value: list[Any]) -> Iterable[list[Any]]:
    """Return the parts of a long list."""
    return (value[start : start + PIECE] for start in range(0, len(value), PIECE))
