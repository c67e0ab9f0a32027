"""The pages that a person sees at /oauth/authorize.

Each is a whole document, which needs no script and loads nothing but an application's icon. What is put into them is
escaped by markupsafe.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup

from ..world.scopes import SCOPES, WORDS
from .media_types import HTML
from .operations import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..world.models import Application, User

_STYLE = Markup("""
:root { color-scheme: light dark; --ground: #eef1f4; --card: #fff; --ink: #1c2733; --soft: #5b6875; --line: #d5dce3;
  --field: #fff; --strong: #1a6f3c; --strong-ink: #fff; --bad: #b3261e; --bad-ground: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --ground: #12171d; --card: #1c232b; --ink: #e8edf2; --soft: #9aa7b4;
  --line: #35404b; --field: #12171d; --strong: #4cc27a; --strong-ink: #06210f; --bad: #ffb4ab;
  --bad-ground: #3b1a18; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center; padding: 1.5rem 1rem;
  background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { width: 100%; max-width: 27rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem; box-shadow: 0 .5rem 2rem rgb(0 0 0 / .08); }
h1 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.3; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
p { margin: 0 0 .75rem; }
.soft { color: var(--soft); font-size: .9rem; }
header { display: flex; align-items: center; gap: 1rem; margin-bottom: 1rem; }
header h1 { margin: 0; }
img, img::after { width: 3.5rem; height: 3.5rem; border-radius: .8rem; }
img { position: relative; flex: none; object-fit: cover; }
img::after { content: attr(data-letter); position: absolute; inset: 0; background: var(--line); color: var(--soft);
  font-size: 1.5rem; font-weight: 600; line-height: 3.5rem; text-align: center; }
ul { margin: 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: .6rem; }
li { padding: .6rem .9rem .6rem 2.4rem; position: relative; }
li + li { border-top: 1px solid var(--line); }
li::before { content: "✓"; position: absolute; left: .9rem; color: var(--strong); font-weight: 700; }
label { display: block; margin: .75rem 0 .25rem; font-size: .9rem; font-weight: 600; }
input { width: 100%; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit;
  background: var(--field); color: inherit; }
.buttons { display: flex; flex-direction: row-reverse; gap: .75rem; margin: 1.5rem 0 1rem; }
button { font: inherit; cursor: pointer; border-radius: .5rem; }
.buttons button { flex: 1; padding: .65rem 1rem; border: 1px solid var(--line); background: none; color: inherit;
  font-weight: 600; }
.buttons .strong { background: var(--strong); border-color: var(--strong); color: var(--strong-ink); }
.link { padding: 0; border: 0; background: none; color: inherit; text-decoration: underline; font-size: .9rem; }
:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
.alert { margin: 1rem 0 0; padding: .6rem .9rem; border-radius: .5rem; background: var(--bad-ground);
  color: var(--bad); }
code { display: block; margin: 1rem 0; padding: .9rem; border: 1px dashed var(--line); border-radius: .6rem;
  background: var(--field); font: 1rem/1.4 ui-monospace, monospace; text-align: center; user-select: all; }
""")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_DOCUMENT = Markup(
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title} · Flowdock</title>\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n'
    "<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
)
# Where the icon cannot be had, its letter is seen.
_HEADER = Markup('<header>\n<img src="{url}" alt="" data-letter="{letter}">\n<h1>{title}</h1>\n</header>\n')
_FORM = Markup(
    "<p>{name} would like to use Flowdock as you. You will allow it to:</p>\n"
    "<ul>\n{scopes}</ul>\n"
    '<form method="post" action="/oauth/authorize">\n{hidden}{alert}{who}'
    '<div class="buttons">\n'
    '<button class="strong" name="decision" value="authorize">Authorize</button>\n'
    '<button name="decision" value="deny" formnovalidate>Deny</button>\n</div>\n'
    '<p class="soft">{where}</p>\n{other}</form>'
)
_HIDDEN = Markup('<input type="hidden" name="{}" value="{}">\n')
_SIGN_IN = Markup(
    "<h2>Sign in to Flowdock</h2>\n"
    '<label for="email">E-mail address</label>\n'
    '<input id="email" name="email" type="email" autocomplete="username" required value="{email}">\n'
    '<label for="password">Password</label>\n'
    '<input id="password" name="password" type="password" autocomplete="current-password" required>\n'
)
_SIGNED_IN = Markup("<h2>Signed in</h2>\n<p>You are <strong>{name}</strong> ({email}).</p>\n")
_OTHER = Markup(
    '<button class="link" name="decision" value="sign_out" formnovalidate>Sign in as somebody else</button>\n'
)
_ALERT = Markup('<p class="alert" role="alert">{}</p>\n')
_MESSAGE = Markup("<h1>{title}</h1>\n<p>{text}</p>")
_CODE = Markup(
    "<p>Copy this code and paste it into {name}. "
    "It expires in ten minutes and can be used once.</p>\n<code>{code}</code>\n"
    '<p class="soft">Then you may close this page.</p>'
)


class Notice(NamedTuple):
    """A page that says one thing. What is in braces in its text is filled in."""

    title: str
    text: str
    status: int = 400


UNKNOWN_APPLICATION = Notice(
    "Unknown application",
    "The link that led you here has a client_id that is missing or that no application of Flowdock has.",
)
UNSAFE_LINK = Notice(
    "This link is not safe to follow",
    "It claims to come from {name}, but would redirect you to an address that the application is not registered with. "
    "Nothing was allowed.",
)
INVALID_CODE = Notice(
    "This code is not valid",
    "It was used, has expired, or never existed. Go back to the application and start again.",
    404,
)
DENIED = Notice("You said no", "{name} was allowed nothing. You may close this page.", 200)
UNSUPPORTED = Notice(
    "This request is not supported", "{name} requested something that Flowdock does not have. {description} ({error})."
)
FORGED = Notice(
    "This request cannot be trusted", "{reason} Nothing was allowed. Go back to the application and start again.", 403
)

# Why it cannot be trusted.
OTHER_SITE = "The form was sent from another site."
NO_COOKIE = "Your browser sent no known cookie."
OTHER_FORM = "The form is not the one that this browser was shown."

WRONG_PASSWORD = "The e-mail address and the password do not match. Please try again."  # noqa: S105  # a text

# What an application reads.
WRONG_FIELDS = "Missing, or not a text: {fields}"
USER_DENIED = "The user said no"
NO_RESPONSE_TYPE = "The response_type must be code"
NO_SCOPE = "A scope is none of Flowdock's"


def consent(
    application: Application,
    scopes: frozenset[str],
    redirect_uri: str | None,
    hidden: Mapping[str, str],
    user: User | None,
    *,
    status: int = 200,
    email: str = "",
    alert: str = "",
    cookie: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """The page that asks a person for consent.

    Args:
        application: who asks.
        scopes: what for.
        redirect_uri: where the person is led afterwards; None where they are shown a code.
        hidden: what the form sends back as it is.
        user: who is asked; None where they are to sign in.
        email: what they gave as their e-mail address, when they could not be signed in.
        alert: what went wrong before.
        cookie: a `Set-Cookie` header for their browser.
    """
    title = f"Authorize {application.name}"
    content = _header(application, title) + _FORM.format(
        name=application.name,
        scopes=_joined(Markup("<li>{}</li>\n").format(WORDS[name]) for name in SCOPES if name in scopes),
        hidden=_joined(_HIDDEN.format(name, value) for name, value in hidden.items()),
        alert=_ALERT.format(alert) if alert else "",
        who=_SIGN_IN.format(email=email) if user is None else _SIGNED_IN.format(name=user.name, email=user.email),
        where=_where(redirect_uri),
        other="" if user is None else _OTHER,
    )
    return _page(status, title, content, icon=application.icon_url, cookie=cookie)


def message(what: Notice, **values: str) -> Reply:
    """A page that says one thing."""
    return _page(what.status, what.title, _MESSAGE.format(title=what.title, text=what.text.format(**values)))


def code(application: Application, code: str) -> Reply:
    """The page that shows a code, for an application that nobody can be led to."""
    title = f"You authorized {application.name}"
    content = _header(application, title) + _CODE.format(name=application.name, code=code)
    return _page(200, title, content, icon=application.icon_url)


def redirect(location: str, cookie: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Leads a browser elsewhere. What the location holds is for nobody else."""
    headers = (("Location", location), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"))
    return Reply(302, None, (*headers, *cookie), HTML)


def _page(
    status: int, title: str, content: Markup, *, icon: str | None = None, cookie: tuple[tuple[str, str], ...] = ()
) -> Reply:
    # No form-action: browsers hold it against where the answer to a form leads too, and that is up to the application.
    rules = ["default-src 'none'", f"style-src 'sha256-{_HASH}'", "frame-ancestors 'none'", "base-uri 'none'"]
    if icon is not None:
        rules.append(f"img-src {_origin(icon)}")
    headers = (
        ("Content-Security-Policy", "; ".join(rules)),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),  # with none at all, a form's Origin would be null
        ("Cache-Control", "no-store"),
    )
    document = _DOCUMENT.format(title=title, style=_STYLE, content=content)
    return Reply(status, str(document), (*headers, *cookie), HTML)


def _header(application: Application, title: str) -> Markup:
    letter = application.name.strip()[:1].upper()
    return _HEADER.format(letter=letter, url=application.icon_url, title=title)


def _origin(url: str) -> str:
    """Where a picture comes from, as a Content-Security-Policy names it."""
    parts = urlsplit(url)
    plain = re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if plain else f"{parts.scheme}:"


def _where(redirect_uri: str | None) -> str:
    if redirect_uri is None:
        return "Afterwards you are shown a code for the application."
    parts = urlsplit(redirect_uri)
    return f"Afterwards you are led to {parts.netloc.rpartition('@')[2] or parts.scheme}."


def _joined(pieces: Iterable[Markup]) -> Markup:
    return Markup("").join(pieces)
