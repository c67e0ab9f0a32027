"""The client libraries for tests in other languages, one file each, below `/_fakeflowdock/clients`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..api.internal_routes import PREFIX
from ..api.operations import Reply
from ..api.pauses import UNLOCKED, NoLock
from ..api.responses import write
from ..contract.package_files import shipped

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

PATH = f"{PREFIX}clients"


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
    f"{PATH}/node.mjs": Library("Node", "node/fakeflowdock.mjs", "text/javascript"),
    f"{PATH}/node.d.ts": Library("TypeScript", "node/fakeflowdock.d.mts", "text/plain"),
    f"{PATH}/ruby.rb": Library("Ruby", "ruby/fakeflowdock.rb", "text/plain"),
    f"{PATH}/go.go": Library("Go", "go/fakeflowdock.go", "text/plain"),
    f"{PATH}/java.java": Library("Java", "java/FakeFlowdock.java", "text/plain"),
}
BY_PATH = {**LIBRARIES, **{f"{PATH}/{each.name}": each for each in LIBRARIES.values()}}


class ClientLibraries:
    """The app that answers with a client library. It belongs to no world, and is in no journal.

    Args:
        path: of the request.
    """

    may_wait = False

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")

    def answers(self, environ: WSGIEnvironment) -> bool:
        """Return whether it answers a request, and not the admin API, which has the errors."""
        return (self._path in BY_PATH or self._path == PATH) and environ["REQUEST_METHOD"] in ("GET", "HEAD")

    def guard(self, environ: WSGIEnvironment) -> NoLock:  # noqa: ARG002  # as each app is asked
        """Return that it needs no lock."""
        return UNLOCKED

    def begin(self, environ: WSGIEnvironment) -> Answer:
        """Answer with the library, or with the list of all. Nothing in them is secret: no token is required."""
        if self._path == PATH:
            listed = [{"language": each.language, "path": path, "name": each.name} for path, each in LIBRARIES.items()]
            return write(Reply(200, listed), environ, None)
        library = BY_PATH[self._path]
        text = shipped(f"clients/{library.file}")
        assert text is not None, f"broken installation of fakeflowdock: no {library.file}"
        headers = (("Content-Disposition", f'inline; filename="{library.name}"'), ("X-Content-Type-Options", "nosniff"))
        return write(Reply(200, text.encode(), headers, f"{library.media}; charset=utf-8"), environ, None)
