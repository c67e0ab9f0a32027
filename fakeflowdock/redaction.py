"""Find secrets in any text by their name, form or value, and replace them.

Nothing else in the package masks secrets. Only secrets are changed, so invalid JSON stays invalid. The run time of each
function is proportional to the length of its input.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NAMES = frozenset(
    (
        *("password", "access_token", "flow_token", "refresh_token", "api_token", "flow_api_token", "token"),
        *("flow_api_tokens", "client_secret", "code", "state", "signature", "session", "cookie", "set_cookie"),
        *("join_key", "authorization", "proxy_authorization"),
    )
)
ENDINGS = ("_token", "_secret", "_password")
# The segments before a secret in a path, and the placeholders of secrets in the documentation.
BEFORE = {
    *(("messages", "chat"), ("messages", "team_inbox"), ("messages", "influx"), ("v1", "git"), ("v2", "git")),
    *(("oauth", "authorize"), ("_fakeflowdock", "files")),
}
TOKENS = "access-tokens"  # also before one
PLACEHOLDERS = (":flow_api_tokens", ":code", ":access_token")
INVITATIONS = ("pending", "accepted")  # the states of invitations, which are no secrets
KEPT = 4  # characters of a secret that are shown, at most a quarter of it
SHOWN = 80  # characters of a value that are shown
ENDS = 1_000  # characters at both ends of a longer name that tell what it is
DEEPEST = 100  # levels of a value that are shown
SHORT = 8  # characters: a shorter known secret is only replaced as a whole word
_CUT = 100  # characters at an end that was cut, which may be a part of a secret
ENCODED = 3  # levels of percent-encoding that are decoded

# A text without these can only contain tokens and known secrets, which are found in a tenth of the time.
SIGNS = (
    *("password", "token", "secret", "code", "state", "signature", "session", "cookie", "join_key", "authoriz"),
    *("basic ", "bearer ", "chat/", "team_inbox", "influx/", "git/", "_fakeflowdock", "%", "\\", "\0"),
)
TOKEN = re.compile("[0-9a-fA-F]{32}(?:[0-9a-fA-F]{8})?")  # 40 digits: the key of a URL for joining
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]{16,}+", re.ASCII)  # FLOWDOCK-TOKEN, and an integration's
_USER = re.compile("://[^/@\\s\"'<>]*+@")
_KEY = re.compile(
    r"""(["'])([\w.\-\[\]]{1,80}+)\1\s*+:\s*+ | (?<![\w.\-\[\]])([\w.\-\[\]]{1,80}+)=(?=["'])""", re.VERBOSE
)
_VALUE = re.compile(
    r""" "(?:[^"\\\n]|\\.?)*+"? | '(?:[^'\\\n]|\\.?)*+'? | \[[^\]\n]*+\]? | \{[^}\n]*+\}? | [^\s,}\])]*+""", re.VERBOSE
)
_CREDENTIALS = re.compile(
    r"""\b(?:((?:proxy-)?authorization|(?:set-)?cookie)(:\s?)([^\n"'<>]++)|(basic|bearer)\ ([^\s"'<>]++))""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG = re.compile("<[^<>]*+>")
_ATTRIBUTE = re.compile(r"""(?<![\w-])(name|value)=["']([^"']*+)""")
_WORD = re.compile(r"""[^\s"'<>\\]{3,}+""")
_JSON = re.compile(r'("(?:[^"\\]|\\.?)*+"?)(\s*+:)?|([\[{])|([\]}])|-?\d[\d.eE+-]*+', re.DOTALL)
_BETWEEN = re.compile(r"(&|[?#](?=[\w%.\[\]-]++=))")
_PART_NAME = re.compile(rb"""(?i)[;\s]name\*?=(?:"([^"\r\n]*+)|([^;\s]++))""")
_CHARSET = re.compile("(?i)charset=[\"']?(utf-(?:16|32)(?:-[lb]e)?)")  # all others are compatible with ASCII in names
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def is_secret(name: str, value: object = None) -> bool:
    """Return whether a name is that of a secret: `password`, `user[password]`, `access_token[]`, `%70assword`.

    Args:
        value: what it names, if known: `state` is one of OAuth, and not that of an invitation.
    """
    if name == "state" and value in INVITATIONS:
        return False
    if len(name) > 2 * ENDS:
        name = f"{name[:ENDS]}/{name[-ENDS:]}"
    return _is_secret(name) if len(name) <= SHOWN else _is_secret.__wrapped__(name)


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    for _ in range(ENCODED):
        name = unquote(name) if "%" in name else name
    words = re.split("[^a-z0-9_]+", name.lower().replace("-", "_"))
    return any(word in NAMES or word.endswith(ENDINGS) for word in words)


def cut(secret: str) -> str:
    """Return the first characters of a secret, to tell it from others; nothing of a short one."""
    if secret.endswith("…") and len(secret) <= KEPT + 1:
        return secret  # already cut
    return f"{secret[:KEPT]}…" if len(secret) > 4 * KEPT else "…" if secret else ""


class Redaction:
    """Replaces secrets.

    Args:
        swap: returns the replacement of a decoded secret.
        known: secrets that are replaced everywhere.
    """

    def __init__(self, swap: Callable[[str], str] = cut, known: Iterable[str] = ()) -> None:
        self._swap = swap
        self._known: dict[str, str] = {}  # known secrets by form
        self._starts: dict[str, list[str]] = {}  # forms by their first characters
        for secret in known:
            if len(secret) >= KEPT and not TOKEN.fullmatch(secret):
                written = json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)
                forms = secret, quote(secret, safe=""), quote_plus(secret), secret.replace("~", "~0").replace("/", "~1")
                self._known |= dict.fromkeys((*forms, *(each[1:-1] for each in written)), secret)
        for form in self._known:
            self._starts.setdefault(form[:KEPT], []).append(form)

    def value(self, value: Any, *, secret: bool = False, depth: int = 0) -> Any:
        """Return a JSON value without secrets and at most 100 levels deep; `secret`: the whole value is one."""
        if isinstance(value, (dict, list, tuple)) and depth > DEEPEST:
            return "…"
        if isinstance(value, dict):
            return {
                self.text(str(name)): self.value(item, secret=secret or is_secret(str(name), item), depth=depth + 1)
                for name, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            items = [self.value(item, secret=secret, depth=depth + 1) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if secret and not (value is None or isinstance(value, bool)):
            return self._swap(str(value))
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str, depth: int = 0) -> str:
        """Return a text without secrets: a sentence, a log, HTML, or part of a URL or of JSON."""
        if "\0" in text and self._swap is cut:  # UTF-16 that was decoded as something else
            bare = text.replace("\0", "")
            return text if (changed := self.text(bare, depth)) == bare else changed
        if not _has_signs(text):
            return self._values(text)
        text = _CREDENTIALS.sub(self._credentials, self._quoted(text))
        if "<" in text:
            text = _TAG.sub(self._tag, text)
        if "/" in text or "=" in text:
            text = _WORD.sub(lambda word: self._word(word[0], depth), text)
        return self._values(text)

    def target(self, target: str, depth: int = 0) -> str:
        """Return a URL, a request target or a form without secrets and without the user of a URL."""
        query = re.search("[?#]", target)
        path, rest = (target[: query.start()], target[query.start() :]) if query else (target, "")
        if "/" not in path:
            return self._pairs(target, depth)
        scheme, found, after = path.partition("://")
        if found and "/" not in scheme:
            authority, slash, after = after.partition("/")
            path = f"{scheme}{found}{authority.rpartition('@')[2]}{slash}{after}"
        return self._path(path) + (rest[:1] + self._pairs(rest[1:], depth) if rest else "")

    def header(self, name: str, value: str) -> str:
        """Return the value of a header without secrets."""
        name = name.lower()
        if name.endswith("authorization"):
            return self._authorization(value)
        if name in ("cookie", "set-cookie"):
            first, *others = re.split(r"(;\s*+)", value)
            return "".join([self._crumb(first), *(others if name == "set-cookie" else map(self._crumb, others))])
        return self._swap(value) if is_secret(name) else self.text(value)

    def body(self, body: bytes, media_type: str, *, inner: bool = False) -> bytes:
        """Return a body without secrets. Its format is that of its media type, or is detected."""
        kind, given = media_type.lower(), _CHARSET.search(media_type)
        if kind.startswith("multipart/") and not inner and (found := re.search(r'(?i)boundary="?([^";]+)', media_type)):
            mark = found[1].strip()  # may have the form of a token, and stands in the header too
            parts = body.split(b"--" + mark.encode("utf-8", "replace"))
            return (b"--" + self._values(mark).encode("utf-8", "replace")).join(map(self._part, parts))
        detected = json.detect_encoding(body) if b"\0" in body else "utf-8"
        for codec in dict.fromkeys((detected, "utf-8" if given is None else given[1], "utf-8")):
            with suppress(UnicodeError, LookupError):
                text = body.decode(codec, "surrogateescape" if codec == "utf-8" else "strict")
                if (swapped := self._body(text, kind)) != text:
                    body = swapped.encode(codec, "surrogateescape")
        return body

    def _body(self, text: str, kind: str) -> str:
        if "\0" in text or not _has_signs(text):
            return self.text(text)
        if "json" in kind or text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
            return self.json(text) if '"' in text else self._quoted(text)
        return self._pairs(text, 0, between="(&)") if "x-www-form-urlencoded" in kind or not kind else self.text(text)

    def json(self, text: str) -> str:
        """Return JSON, valid or not, without secrets."""
        # `below`: everything is secret from this depth on, or 0; `named`: the name of the secret that comes next, or ""
        depth, below, named = 0, 0, ""

        def swapped(found: re.Match[str]) -> str:
            nonlocal depth, below, named
            string, colon, opening, closing = found.groups()
            if opening:
                depth += 1
                below, named = below or (depth if named else 0), ""
            elif closing:
                depth, below, named = depth - 1, 0 if depth <= below else below, ""
            elif colon:
                name = _read(string)
                named = name if is_secret(name) else ""
                return self._in_quotes(string, secret=False) + colon
            else:
                hidden, named = bool(below or (named and is_secret(named, _read(found[0])))), ""
                return self._in_quotes(found[0], secret=hidden) if string or hidden else found[0]
            return found[0]

        return _JSON.sub(swapped, text)

    # Parts of a text

    def _values(self, text: str) -> str:
        """Replace tokens and known secrets anywhere."""
        if "eyJ" in text:
            text = _JWT.sub(lambda found: self._swap(found[0]), text)
        text = TOKEN.sub(lambda found: self._swap(found[0]), text)
        if not self._known:
            return text
        pieces = {text[at : at + KEPT] for at in range(len(text))}
        there = [form for start in pieces & self._starts.keys() for form in self._starts[start] if form in text]
        if not there:
            return text
        there.sort(key=len, reverse=True)
        forms = (re.escape(form) if len(form) >= SHORT else rf"(?<!\w){re.escape(form)}(?!\w)" for form in there)
        return re.sub("|".join(forms), lambda found: self._swap(self._known[found[0]]), text)

    def _quoted(self, text: str) -> str:
        """Replace values after quoted names, as in a part of JSON or Python."""
        pieces, end = [], 0
        for key in _KEY.finditer(text):
            name = key[2] or key[3]
            if key.start() >= end and is_secret(name) and (value := _VALUE.match(text, key.end())):
                is_hidden = is_secret(name, _read(value[0]))
                pieces += [text[end : key.end()], self._in_quotes(value[0], secret=is_hidden)]
                end = value.end()
        return "".join([*pieces, text[end:]])

    def _in_quotes(self, quoted: str, *, secret: bool) -> str:
        """Return a value of JSON or Python in its notation. An unquoted value gets quotes if it is changed."""
        if quoted in ("", "null", "None", "true", "false", "True", "False"):
            return quoted
        text = _read(quoted)
        swapped = self._swap(text) if secret else self.text(text)
        if swapped == text:
            return quoted
        return repr(swapped) if quoted[0] == "'" else json.dumps(swapped, ensure_ascii=False)

    def _credentials(self, found: re.Match[str]) -> str:
        """Replace a header in a text, or credentials in a sentence."""
        name, colon, value, scheme, word = found.groups()
        if name:
            return f"{name}{colon}{self.header(name, value)}"
        is_secret_word = len(word) > 4 * KEPT if scheme.lower() == "bearer" else ":" in _unbased(word)
        return self._authorization(found[0]) if is_secret_word else found[0]

    def _authorization(self, value: str) -> str:
        """Replace a token, or name and password. An e-mail address is not a secret."""
        scheme, space, rest = value.partition(" ")
        if not space:
            return self._swap(value)
        if scheme.lower() != "basic" or ":" not in (both := _unbased(rest.strip())):
            return f"{scheme} {self._swap(rest.strip())}"
        name, _, password = both.partition(":")
        swapped = f"{name if '@' in name else self._swap(name)}:{self._swap(password)}"
        return value if swapped == both else f"{scheme} {base64.b64encode(swapped.encode()).decode()}"

    def _crumb(self, cookie: str) -> str:
        name, equals, value = cookie.partition("=")
        if cookie[:1] == ";":
            return cookie
        return f"{name}={self._swap(value)}" if equals else self._swap(cookie)

    def _tag(self, found: re.Match[str]) -> str:
        """Replace the value of a form field in HTML."""
        field = {attribute[1]: attribute for attribute in _ATTRIBUTE.finditer(found[0])}
        if len(field) < 2 or not is_secret(field["name"][2]):
            return found[0]
        start, end = field["value"].span(2)
        return found[0][:start] + self._swap(found[0][start:end]) + found[0][end:]

    def _word(self, word: str, depth: int) -> str:
        if "/" not in word and "=" not in word:
            return word
        end = len(word.rstrip(",.;:)]}"))  # without the punctuation of a sentence
        return self.target(word[:end], depth) + word[end:]

    def _path(self, path: str) -> str:
        segments, before = path.split("/"), ("", "")  # the last two non-empty segments
        for at, segment in enumerate(segments):
            if segment:
                plain = unquote(segment)
                hidden = (before in BEFORE or before[1] == TOKENS) and plain not in PLACEHOLDERS
                swapped = self._swap(plain) if hidden else self._pair(plain, ENCODED)
                if swapped != plain:
                    segments[at] = _encoded(swapped, quote)
                before = before[1], plain.lower()
        return "/".join(segments)

    def _pairs(self, text: str, depth: int, between: str | re.Pattern[str] = _BETWEEN) -> str:
        return "".join(self._pair(pair, depth) for pair in re.split(between, text))

    def _pair(self, pair: str, depth: int) -> str:
        """Replace the value of a name, which may be a URL itself."""
        name, equals, value = pair.partition("=")
        if not equals:
            return self._values(pair)
        plain = unquote_plus(value)
        if is_secret(unquote_plus(name)):
            swapped = self._swap(plain)
        else:
            swapped = self.text(plain, depth + 1) if depth < ENCODED else self._values(plain)
        return f"{self._values(name)}={value if swapped == plain else _encoded(swapped)}"

    def _part(self, part: bytes) -> bytes:
        """Replace the secrets of a part of multipart/form-data, between two boundaries."""
        blank = _BLANK_LINE.search(part)
        if blank is None:
            return part
        head, content = part[: blank.end()], part[blank.end() :]
        kept = content.rstrip(b"\r\n")
        named, kind = _PART_NAME.search(head), re.search(rb"(?i)content-type:([^\r\n]*)", head)
        name = "" if named is None else unquote((named[1] or named[2] or b"").decode("utf-8", "replace"))
        if is_secret(name):
            swapped = self._swap(kept.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        else:
            swapped = self.body(kept, "text/plain" if kind is None else kind[1].decode("latin-1").strip(), inner=True)
        return head + swapped + content[len(kept) :]


def _has_signs(text: str) -> bool:
    lower = text.lower()
    return any(sign in lower for sign in SIGNS) or _USER.search(text) is not None


def _read(quoted: str) -> str:
    """Return the text of a quoted value; if it is invalid, the characters between the quotes."""
    with suppress(ValueError, RecursionError):
        value = json.loads(quoted, strict=False) if quoted[:1] == '"' else None
        if isinstance(value, str):
            return value
    return quoted.strip("\"'")


def _encoded(text: str, encode: Callable[..., str] = quote_plus) -> str:
    return encode(text, safe="/:?=,*@!$();", errors="replace").replace(quote("…"), "…")


def _unbased(text: str) -> str:
    """Decode Base64; empty if it is invalid."""
    with suppress(ValueError):
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    return ""


_PRINTED = Redaction()


def shortened(text: str, known: Iterable[str] = ()) -> str:
    """Return a text in which each secret is cut to its first characters.

    Args:
        text: any text.
        known: secrets that are cut everywhere, such as those of a world.
    """
    return (Redaction(known=known) if known else _PRINTED).text(text)


def brief(text: str, longest: int = SHOWN) -> str:
    """Return the first characters of a text without secrets. The time does not depend on the length of the text."""
    window = text[: longest + 20 * _CUT]
    shown = shortened(window)
    if len(window) < len(text):
        shown = shown[:-_CUT]  # may be a part of a secret that does not look like one
    elif len(shown) <= longest:
        return shown
    return f"{shown[: longest - 1]}…"


def masked(value: Any, name: str = "") -> Any:
    """Return a JSON value in which each secret is cut; `name` is that of the value, or its JSON pointer."""
    return _PRINTED.value(value, secret=is_secret(name, value))


def shown_target(target: str) -> str:
    """Return the target of a request with each secret cut."""
    return _PRINTED.target(target)


def shown_path(target: str) -> str:
    """Return the decoded path of a URL or a target with each secret cut."""
    path = re.sub(r"^[a-z][a-z0-9+.-]*+://[^/?#]*+", "", re.split("[?#]", target, maxsplit=1)[0], flags=re.IGNORECASE)
    return unquote(_PRINTED.target(path or "/"))
