"""The operations of docs/admin/clients.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...api.callers import ANYONE
from ...api.environ import root_of
from ...api.internal_routes import PREFIX
from ...api.operations import Reply, nothing
from ...contract.package_files import shipped
from .errors import Unknown
from .operations import operation

if TYPE_CHECKING:
    from .operations import OperatorCall


class Library(NamedTuple):
    """A file of a client library, below the folder `clients`."""

    language: str
    file: str
    media: str

    @property
    def name(self) -> str:
        """The name that the language requires."""
        return self.file.rpartition("/")[2]


LIBRARIES = {
    "node.mjs": Library("Node", "node/fakeflowdock.mjs", "text/javascript"),
    "node.d.ts": Library("TypeScript", "node/fakeflowdock.d.mts", "text/plain"),
    "ruby.rb": Library("Ruby", "ruby/fakeflowdock.rb", "text/plain"),
    "go.go": Library("Go", "go/fakeflowdock.go", "text/plain"),
    "java.java": Library("Java", "java/FakeFlowdock.java", "text/plain"),
}
BY_FILE = {**LIBRARIES, **{each.name: each for each in LIBRARIES.values()}}


@operation("GET clients", callers=(ANYONE,), find=nothing)
def list_client_libraries(call: OperatorCall, _: None) -> list[dict[str, str]]:
    """Return what client libraries there are."""
    below = f"{root_of(call.base)}{PREFIX}clients"
    return [{"language": it.language, "path": f"{below}/{file}", "name": it.name} for file, it in LIBRARIES.items()]


@operation("GET clients/:file", callers=(ANYONE,), find=nothing)
def get_client_library(call: OperatorCall, _: None) -> Reply:
    """Return the file of a client library. Nothing in it is secret."""
    library = BY_FILE.get(call.path["file"])
    if library is None:
        hint = Unknown.EXPECTED.format(known=", ".join(LIBRARIES))
        raise Unknown(Unknown.LIBRARY, call.path["file"], hint=hint)
    text = shipped(f"clients/{library.file}")
    assert text is not None, f"broken installation of fakeflowdock: no {library.file}"
    headers = (("Content-Disposition", f'inline; filename="{library.name}"'), ("X-Content-Type-Options", "nosniff"))
    return Reply(200, text, headers, library.media)
