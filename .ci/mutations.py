"""What can be changed in a file for `mutants.py`: each mutant with its place, and the code that it makes."""

from __future__ import annotations

import ast
import copy
import functools
import gc
import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent

Place = tuple[str, int]  # a function: its qualified name and its first line

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
METHODS = {
    "lower": "upper",
    "upper": "lower",
    "startswith": "endswith",
    "endswith": "startswith",
    "removeprefix": "removesuffix",
    "partition": "rpartition",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
}
CUTS = (ast.Expr, ast.Raise, ast.AugAssign, ast.Delete)


@dataclass(frozen=True)
class Mutant:
    """One change: `number` is that of its node in `ast.walk`, `way` which of the node's changes."""

    file: str
    number: int
    way: int
    line: int
    end: int
    place: Place
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.what}"

    @property
    def text(self) -> str:
        """The line that is changed, as `excluded.toml` has it."""
        return source_of(self.file).splitlines()[self.line - 1].strip()


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """The nodes that may stand where a node stands; None removes a statement."""

    def with_(**fields: Any) -> ast.AST:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    match node:
        case ast.Compare(ops=[operator]) if type(operator) in SWAPPED:
            yield "other comparison", with_(ops=[SWAPPED[type(operator)]()])
        case ast.BoolOp(op=operator, values=values):
            yield "and/or", with_(op=SWAPPED[type(operator)]())
            for at in range(len(values)):
                left = values[:at] + values[at + 1 :]
                yield f"without condition {at + 1}", left[0] if len(left) == 1 else with_(values=left)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "without not", operand
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in SWAPPED:
            yield "other operator", with_(op=SWAPPED[type(operator)]())
        case ast.Constant(value=bool(value)):
            yield f"{not value}", with_(value=not value)
        case ast.Constant(value=int(value)):
            yield f"{value + 1}", with_(value=value + 1)
        case ast.Constant(value=str(value)) if value:
            yield "other text", with_(value=value + "XX")
        case ast.If(test=test) | ast.IfExp(test=test):
            yield "always", with_(test=ast.copy_location(ast.Constant(True), test))
            yield "never", with_(test=ast.copy_location(ast.Constant(False), test))
        case ast.comprehension(ifs=[_, *_]):
            yield "without filter", with_(ifs=[])
        case ast.Return(value=ast.AST() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "returns None", with_(value=ast.copy_location(ast.Constant(None), value))
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield NAMES[name], with_(func=ast.copy_location(ast.Name(NAMES[name], ast.Load()), node.func))
        case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in METHODS:
            other = ast.Attribute(value, METHODS[name], ast.Load())
            yield METHODS[name], with_(func=ast.copy_location(other, node.func))
        case ast.Continue():
            yield "break", ast.copy_location(ast.Break(), node)
        case _:
            pass
    if isinstance(node, ast.Call):
        for at, keyword in enumerate(node.keywords):
            if keyword.arg not in (None, "strict"):  # which asserts that iterables are as long as each other
                yield f"without {keyword.arg}=", with_(keywords=node.keywords[:at] + node.keywords[at + 1 :])
    if isinstance(node, CUTS) or (isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)):
        yield "removed", None


def parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}


def left_out(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """Docstrings, annotations, assertions, and the names of types in casts."""
    child = node
    while (parent := above.get(child)) is not None:
        if isinstance(parent, ast.Assert | ast.arg) or (
            isinstance(parent, ast.AnnAssign) and child is parent.annotation
        ):
            return True
        if isinstance(parent, ast.FunctionDef) and (child is parent.returns or child in parent.decorator_list):
            return True
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == "cast":
            return child is parent.args[0]
        child = parent
    documented = node.value if isinstance(node, ast.Expr) else node
    return isinstance(documented, ast.Constant) and isinstance(above.get(documented), ast.Expr)


def function_of(node: ast.AST, above: dict[ast.AST, ast.AST]) -> ast.FunctionDef | ast.Lambda | None:
    """The outermost function in whose body a node stands."""
    found, child = None, node
    while (parent := above.get(child)) is not None:
        if (isinstance(parent, ast.FunctionDef) and child in parent.body) or (
            isinstance(parent, ast.Lambda) and child is parent.body
        ):
            found = parent
        child = parent
    return found


def place_of(function: ast.FunctionDef | ast.Lambda, above: dict[ast.AST, ast.AST]) -> Place:
    names, child = [], function
    while (parent := above.get(child)) is not None:
        if isinstance(parent, ast.ClassDef):
            names.append(parent.name)
        child = parent
    lambda_ = isinstance(function, ast.Lambda)
    line = function.lineno if lambda_ or not function.decorator_list else function.decorator_list[0].lineno
    return ".".join([*reversed(names), "<lambda>" if lambda_ else function.name]), line


def mutants_of(file: str) -> Iterator[Mutant]:
    tree = ast.parse((ROOT / file).read_text())
    above = parents(tree)
    for number, node in enumerate(ast.walk(tree)):
        function = function_of(node, above)
        if function is None or left_out(node, above):
            continue
        lined = node
        while not hasattr(lined, "lineno"):
            lined = above[lined]
        head = lined.test if isinstance(lined, ast.If) else lined
        for way, (what, _) in enumerate(changes(node)):
            yield Mutant(file, number, way, lined.lineno, head.end_lineno or 0, place_of(function, above), what)


def not_excluded(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Leave out what `excluded.toml` names. Each change there must be one that can be made."""
    entries = tomllib.loads((ROOT / ".ci/excluded.toml").read_text())["excluded"]
    named = {
        (entry["file"], entry["function"], entry["line"], what): False for entry in entries for what in entry["what"]
    }
    files = set()
    for mutant in mutants:
        files.add(mutant.file)
        change = mutant.file, mutant.place[0], mutant.text, mutant.what
        if change in named:
            named[change] = True
        else:
            yield mutant
    stale = [change for change, fits in named.items() if not fits and change[0] in files]
    assert not stale, f"excluded.toml has changes that cannot be made: {stale}"


def in_order(mutants: Iterable[Mutant], seed: int) -> list[Mutant]:
    """Shuffle mutants. What is changed elsewhere in the code does not change their order."""
    seen = Counter[str]()

    def rank(mutant: Mutant) -> bytes:
        change = f"{seed} {mutant.file} {mutant.place[0]} {mutant.text} {mutant.what}"
        seen[change] += 1
        return hashlib.blake2b(f"{change} {seen[change]}".encode()).digest()

    return sorted(mutants, key=rank)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


@functools.lru_cache(maxsize=1)
def source_of(file: str) -> str:
    return (ROOT / file).read_text()


def code_of(mutant: Mutant) -> CodeType:
    """The code of the changed function."""
    tree = ast.parse(source_of(mutant.file))
    old = next(node for number, node in enumerate(ast.walk(tree)) if number == mutant.number)
    new = [change for _, change in changes(old)][mutant.way]

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if node is old:
                return ast.copy_location(ast.Pass(), old) if new is None else new
            return super().visit(node)

    code = compile(ast.fix_missing_locations(Change().visit(tree)), str(ROOT / mutant.file), "exec", dont_inherit=True)
    return next(each for each in codes_in(code) if (each.co_qualname, each.co_firstlineno) == mutant.place)


def functions() -> dict[tuple[str, Place], list[FunctionType]]:
    """Every function of the mutated files, however it is decorated and wherever it is registered."""
    found: dict[tuple[str, Place], list[FunctionType]] = {}
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(str(ROOT / "fakeflowdock")):
            code = each.__code__
            file = str(Path(code.co_filename).relative_to(ROOT))
            found.setdefault((file, (code.co_qualname, code.co_firstlineno)), []).append(each)
    return found
