"""Secrets, stored by their digests."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..redaction import cut
from .copy_on_write import Branching, Groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping


class OfUser(Protocol):
    """What belongs to a user, or to nobody."""

    @property
    def user_id(self) -> int | None:
        """The user."""
        ...


Value = TypeVar("Value")
Owned = TypeVar("Owned", bound=OfUser)


LONGEST = 512  # bytes; digests of longer secrets are not cached


class Secrets(Branching, Generic[Value]):
    """Secrets of one kind, each with a value: an entity, or its id. Iterating yields the values, oldest first.

    A secret is looked up by its digest and then compared in constant time.
    """

    def __init__(self) -> None:
        self._known: MutableMapping[bytes, tuple[bytes, Value]] = {}

    def __iter__(self) -> Iterator[Value]:
        return (value for _, value in self._known.values())

    def values(self) -> Iterable[Value]:
        """Return the values, oldest first."""
        return iter(self)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    @property
    def digests(self) -> Iterable[bytes]:
        """The digests of all secrets."""
        return self._known

    def shown(self, digest: bytes) -> str:
        """Return the secret of a digest, as it may be shown."""
        return cut(self._known[digest][0].decode("utf-8", "replace"))

    def add(self, secret: str, value: Value) -> Value:
        """Add a secret with its value."""
        raw = _raw(secret)
        self._known[_digest(raw)] = (raw, value)
        return value

    def find(self, secret: str) -> Value | None:
        """Return the value of a secret, or None."""
        raw = secret.encode("utf-8", "surrogatepass")
        stored, value = self._known.get(_digest(raw), (b"", None))
        return value if hmac.compare_digest(stored, raw) else None

    def change(self, secret: str, changed: Value) -> None:
        """Replace the value of a secret."""
        self.add(secret, changed)

    def forget(self, secret: str) -> None:
        """Remove a secret."""
        del self._known[_digest(_raw(secret))]


class OwnedSecrets(Secrets[Owned]):
    """Secrets of what belongs to users. What belongs to whom is listed when it is asked for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self._of_user: Groups[int | None, MutableMapping[bytes, None]] | None = None

    def of(self, user_id: int) -> list[Owned]:
        """Return the values of one user, oldest first."""
        if self._of_user is None:
            of_user: Groups[int | None, MutableMapping[bytes, None]] = Groups()
            for digest, (_, value) in self._known.items():
                of_user.own(value.user_id, dict)[digest] = None
            self._of_user = of_user  # when it is complete, because worlds share it
        found = (self._known.get(digest) for digest in self._of_user.get(user_id, ()))
        return [each[1] for each in found if each is not None]

    def add(self, secret: str, value: Owned) -> Owned:
        """Add a secret with its value."""
        super().add(secret, value)
        if self._of_user is not None:
            self._of_user.own(value.user_id, dict)[_digest(_raw(secret))] = None
        return value


def _raw(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def _digest(raw: bytes) -> bytes:
    return _remembered(raw) if len(raw) <= LONGEST else hashlib.sha256(raw).digest()


@lru_cache(maxsize=256)  # a client sends the same secret with each request
def _remembered(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def digest_of(secret: str) -> bytes:
    """Return the digest by which a secret is looked up."""
    return _digest(_raw(secret))


def new_visitor(seed: str, entry: str | None = None) -> str:
    """Return a cookie for a browser that has not signed in, for the world with a seed. It is signed, and not stored.

    Args:
        entry: the id of the request in the log that servers share, which all of them answer alike. Default: none.
    """
    nonce = secrets.token_hex(8) if entry is None else _signature(f"{seed} visitor", entry)
    return nonce + _signature(seed, nonce)


def is_visitor(seed: str, cookie: str) -> bool:
    """Return whether a cookie is from `new_visitor`, for the same seed."""
    if len(cookie) != 32 or not cookie.isascii():
        return False
    return hmac.compare_digest(_signature(seed, cookie[:16]), cookie[16:])


def _signature(seed: str, nonce: str) -> str:
    return hmac.digest(_raw(seed), nonce.encode(), "sha256").hex()[:16]
