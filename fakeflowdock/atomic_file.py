"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@contextmanager
def written(
    file: str | os.PathLike[str], *, private: bool, errors: str = "strict", durable: bool = False
) -> Iterator[TextIO]:
    """A draft to write to, which takes the place of a file when it is done; what was there before stays until then.

    Args:
        private: whether its owner alone may read it, because it holds secrets.
        errors: what is done with what UTF-8 cannot write, as `open` takes it.
        durable: whether it is on the disk, and not only on its way, before it takes the place.

    Raises:
        OSError: it cannot be written.
    """
    path = Path(file)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=errors) as text:
            yield text
            if durable:
                text.flush()
                os.fsync(text.fileno())
        if not private:
            mask = os.umask(0)
            os.umask(mask)
            draft.chmod(0o666 & ~mask)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
