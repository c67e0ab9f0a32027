"""The texts of a wing's errors stand in its `errors.py`, and each is used with the values that it has places for."""

from __future__ import annotations

import ast
import builtins
import re
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING

import pytest

from .support.imports import MODULES, PACKAGE, wing_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

OF_A_WING = [name for name, path in MODULES.items() if path.parent != PACKAGE]  # a wing of one module is one place
ERRORS = [name for name in OF_A_WING if name.endswith(".errors")]
ELSEWHERE = [name for name in OF_A_WING if name not in ERRORS]
PROSE = re.compile(r"(?=.*[A-Za-z]).*\S \S", re.DOTALL)  # more than a word, a separator, or values side by side
CONSTANT = re.compile(r"[A-Z][A-Z0-9_]+")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


def is_own_exception(node: ast.AST, imported: set[str]) -> bool:
    """Whether an exception of Python or of ours is made here, as one that is returned; assertions are not errors."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
        return True
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    known = getattr(builtins, node.func.id, None)
    is_pythons = isinstance(known, type) and issubclass(known, Exception) and known is not AssertionError
    return is_pythons or (node.func.id in imported and node.func.id in classes())


def literal(node: ast.Constant | ast.JoinedStr) -> str:
    """The text of a literal, with braces for each value of an f-string."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def prose_in(module: str) -> Iterator[str]:
    """The texts with words in what is raised, or made to be raised."""
    ours = {
        alias.asname or alias.name
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    for node in ast.walk(tree(module)):
        made = node.exc if isinstance(node, ast.Raise) else node if is_own_exception(node, ours) else None
        if made is None or (isinstance(made, ast.Call) and ast.unparse(made.func) == "AssertionError"):
            continue
        for each in ast.walk(made):
            if isinstance(each, ast.Constant | ast.JoinedStr) and PROSE.match(text := literal(each)):
                yield f"line {each.lineno}: {text}"


@pytest.mark.parametrize("module", ELSEWHERE)
def test_no_text_of_an_error_stands_outside_of_the_errors_of_its_wing(module: str) -> None:
    assert list(prose_in(module)) == []


def texts_in(body: list[ast.stmt]) -> dict[str, str]:
    """The constants of a module or of a class that are texts."""
    return {
        target.id: node.value.value
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@cache
def classes() -> dict[str, dict[str, str]]:
    """The texts of each class in an `errors.py`."""
    return {
        node.name: texts_in(node.body)
        for module in ERRORS
        for node in tree(module).body
        if isinstance(node, ast.ClassDef)
    }


@cache
def imported_texts(module: str) -> dict[str, str]:
    """The texts that a module imports by their names."""
    return {
        alias.name: text
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("errors")
        for alias in node.names
        for each in ERRORS
        if (text := texts_in(tree(each).body).get(alias.name)) is not None
    }


def text_of(node: ast.expr, module: str) -> str | None:
    """The text that `errors.SHAPE`, `AccessDenied.SCOPE` or an imported constant names; None if it is none."""
    if isinstance(node, ast.Name):
        return imported_texts(module).get(node.id)
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and CONSTANT.fullmatch(node.attr)):
        return None
    if node.value.id == "errors":
        return texts_in(tree(f"fakeflowdock.{wing_of(module)}.errors").body).get(node.attr)
    return classes().get(node.value.id, {}).get(node.attr)


def fields_of(text: str) -> set[str]:
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(text) if name}


def misused(module: str) -> Iterator[str]:
    """Each text that is passed to `format`, to `of` or to an exception without its values, or with others."""
    for node in ast.walk(tree(module)):
        if not isinstance(node, ast.Call) or any(keyword.arg is None for keyword in node.keywords):
            continue
        values = {str(keyword.arg) for keyword in node.keywords}
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        for given in [node.func.value] if isinstance(node.func, ast.Attribute) and method == "format" else node.args:
            if (text := text_of(given, module)) is not None:
                wanted = fields_of(text)
                more = values - wanted if method in ("format", "of") else set()
                if wanted - values or more:
                    yield f"line {node.lineno}: {text}"


@pytest.mark.parametrize("module", ELSEWHERE)
def test_a_text_gets_the_values_that_it_has_places_for(module: str) -> None:
    assert list(misused(module)) == []


def test_every_text_is_used() -> None:
    named = {node.attr for module in MODULES for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    named |= {node.id for module in ELSEWHERE for node in ast.walk(tree(module)) if isinstance(node, ast.Name)}
    texts = {name for module in ERRORS for name in texts_in(tree(module).body)}
    texts |= {name for each in classes().values() for name in each if CONSTANT.fullmatch(name)}
    assert texts - named == set()


def test_the_texts_are_found() -> None:
    assert text_of(ast.parse("errors.WORLD", mode="eval").body, "fakeflowdock.world.templates") is not None
    assert text_of(ast.parse("Unauthorized.UNKNOWN", mode="eval").body, "fakeflowdock.api.authentication") is not None
    assert "SCHEME" in imported_texts("fakeflowdock.http.tunnel")
    assert fields_of("unknown {what} {kind.__name__!r}: {0}") == {"what", "kind", "0"}
