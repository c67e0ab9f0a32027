"""The header `FLOWDOCK-TOKEN`: a JSON Web Token, signed by HS256. docs/api/thread-actions.md#action-token."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from .errors import InvalidToken

LIFETIME = 30  # seconds
ALGORITHM = "HS256"


def digest(body: bytes) -> str:
    """Return the claim `signature` for the bytes of a body."""
    return hashlib.sha256(body).hexdigest()


def sign(user_id: int, body: bytes, client_secret: str, *, lifetime: float = LIFETIME) -> str:
    """Return the token for a request.

    Args:
        user_id: who performs the action.
        body: the very bytes of the request.
        client_secret: that of the application.
        lifetime: for how many seconds it is valid, by the real clock.
    """
    claims = {"sub": str(user_id), "exp": int(time.time() + lifetime), "signature": digest(body)}
    text = ".".join(_encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": ALGORITHM}, claims))
    return f"{text}.{_encoded(_mac(text, client_secret))}"


def verify_token(token: str, body: bytes, client_secret: str) -> dict[str, Any]:
    """Verify a `FLOWDOCK-TOKEN` as Flowdock's guide tells integrations to.

    Args:
        token: the value of the header.
        body: the bytes of the request, as they came.
        client_secret: that of the application.

    Returns:
        The claims: `sub`, the id of the user as text; `exp`; and `signature`.

    Raises:
        InvalidToken: the token is malformed, was signed with another secret, has expired, or is for another body.
    """
    text, _, mac = token.rpartition(".")
    try:
        header, claims = (json.loads(_decoded(part)) for part in text.split("."))
        given = _decoded(mac)
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise InvalidToken(InvalidToken.MALFORMED)
    except (ValueError, RecursionError):
        raise InvalidToken(InvalidToken.MALFORMED) from None
    if header.get("alg") != ALGORITHM:
        raise InvalidToken(InvalidToken.ALGORITHM)
    if not hmac.compare_digest(given, _mac(text, client_secret)):
        raise InvalidToken(InvalidToken.SECRET)
    expires = claims.get("exp")
    if not isinstance(expires, (int, float)) or not isinstance(claims.get("sub"), str):
        raise InvalidToken(InvalidToken.MALFORMED)
    if expires <= time.time():
        raise InvalidToken(InvalidToken.EXPIRED)
    if not hmac.compare_digest(str(claims.get("signature")).encode(), digest(body).encode()):
        raise InvalidToken(InvalidToken.BODY)
    return claims


def _mac(text: str, client_secret: str) -> bytes:
    return hmac.digest(client_secret.encode(), text.encode(), "sha256")


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
