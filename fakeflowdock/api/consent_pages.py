"""The pages at /oauth/authorize.

Each is a complete document without scripts, and loads only the icon of the application. markupsafe escapes all values.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup

from ..contract.package_files import content as file_content
from ..world.scopes import SCOPES, WORDS
from .media_types import HTML
from .operations import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..world.models import Application, User

_STYLE = Markup(file_content("api/consent.css"))  # noqa: S704  # a file of ours
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_DOCUMENT = Markup(
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title} · Flowdock</title>\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n'
    "<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
)
# The letter is visible if the icon cannot be loaded.
_HEADER = Markup('<header>\n<img src="{url}" alt="" data-letter="{letter}">\n<h1>{title}</h1>\n</header>\n')
_FORM = Markup(
    "<p>{name} would like to use Flowdock as you. You will allow it to:</p>\n"
    "<ul>\n{scopes}</ul>\n"
    '<form method="post" action="{root}/oauth/authorize">\n{hidden}{who}'
    '<div class="buttons">\n'
    '<button class="strong" name="decision" value="authorize">Authorize</button>\n'
    '<button name="decision" value="deny" formnovalidate>Deny</button>\n</div>\n'
    '<p class="soft">{where}</p>\n{other}</form>'
)
_HIDDEN = Markup('<input type="hidden" name="{}" value="{}">\n')
_SIGN_IN = Markup(
    "<h2>Sign in to Flowdock</h2>\n{alert}"
    '<label for="email">E-mail address</label>\n'
    '<input id="email" name="email" type="email" autocomplete="username" required value="{email}"{email_is}>\n'
    '<label for="password">Password</label>\n'
    '<input id="password" name="password" type="password" autocomplete="current-password" required{password_is}>\n'
)
_INVALID = Markup(' aria-invalid="true" aria-describedby="problem"')
_FOCUS = Markup(" autofocus")
# Below the buttons of the form, because Enter in a field presses the first one.
_USERS = Markup("<fieldset>\n<legend>Or sign in without a password, as</legend>\n{users}</fieldset>\n")
_AS = Markup(
    '<button name="decision" value="{value}" formnovalidate><strong>{name}</strong> <span>{email}</span></button>\n'
)
_SIGNED_IN = Markup("<h2>Signed in</h2>\n<p>You are <strong>{name}</strong> ({email}).</p>\n")
_OTHER = Markup(
    '<button class="link" name="decision" value="sign_out" formnovalidate>Sign in as somebody else</button>\n'
)
_ALERT = Markup('<p class="alert" role="alert" id="problem">{}</p>\n')
_MESSAGE = Markup("<h1>{title}</h1>\n<p>{text}</p>")
_CODE = Markup(
    "<p>Copy this code and paste it into {name}. "
    "It expires in ten minutes and can be used once.</p>\n<code>{code}</code>\n"
    '<p class="soft">Then you may close this page.</p>'
)


class Notice(NamedTuple):
    """A page with a message. Its text may have placeholders in braces."""

    title: str
    text: str
    status: int = 400


UNKNOWN_APPLICATION = Notice("Unknown application", "The client_id in the link is missing or unknown.")
UNSAFE_LINK = Notice(
    "This link is not safe to follow",
    "It claims to come from {name}, but its redirect_uri is not the one that the application is registered with. "
    "No access was granted.",
)
INVALID_CODE = Notice(
    "This code is not valid",
    "It was used, has expired, or never existed. Go back to the application and start again.",
    404,
)
DENIED = Notice("You denied access", "{name} was not granted access. You may close this page.", 200)
UNSUPPORTED = Notice(
    "This request is not supported", "{name} requested something that Flowdock does not have. {description} ({error})."
)
FORGED = Notice(
    "This request cannot be trusted", "{reason} No access was granted. Go back to the application and start again.", 403
)

# Reasons for FORGED.
OTHER_SITE = "The form was sent from another site."
NO_COOKIE = "Your browser sent no known cookie."
OTHER_FORM = "The form is not the one that this browser was shown."

WRONG_PASSWORD = "The e-mail address and the password do not match. Please try again."  # noqa: S105  # a text

# Error descriptions for the application.
WRONG_FIELDS = "Missing or invalid parameters: {fields}"
USER_DENIED = "The user denied access"
NO_RESPONSE_TYPE = "The response_type must be code"
NO_SCOPE = "Unknown scope"


def consent(
    application: Application,
    scopes: frozenset[str],
    redirect_uri: str | None,
    hidden: Mapping[str, str],
    user: User | None,
    users: Mapping[str, User],
    *,
    status: int = 200,
    email: str = "",
    alert: str = "",
    cookie: tuple[tuple[str, str], ...] = (),
    root: str = "",
) -> Reply:
    """Return the consent page.

    Args:
        application: the application that requests access.
        scopes: the requested scopes.
        redirect_uri: the redirect after the decision; None to show a code instead.
        hidden: the hidden fields of the form.
        user: the signed-in user; None to show the sign-in fields.
        users: the value of a button to the user whom it signs in.
        email: the email address of a failed sign-in.
        alert: an error message.
        cookie: a `Set-Cookie` header.
        root: the prefix of a reverse proxy, before the path of the form.
    """
    title = f"Authorize {application.name}"
    content = _header(application, title) + _FORM.format(
        name=application.name,
        scopes=_joined(Markup("<li>{}</li>\n").format(WORDS[name]) for name in SCOPES if name in scopes),
        root=root,
        hidden=_joined(_HIDDEN.format(name, value) for name, value in hidden.items()),
        who=_sign_in(email, alert) if user is None else _SIGNED_IN.format(name=user.name, email=user.email),
        where=_where(redirect_uri),
        other=_other_users(users) if user is None else _OTHER,
    )
    return _page(status, title, content, icon=application.icon_url, cookie=cookie)


def _sign_in(email: str, alert: str) -> Markup:
    """Return the sign-in fields. After an error the focus is in the first one that has to be filled in again."""
    invalid = _INVALID if alert else Markup("")
    return _SIGN_IN.format(
        email=email,
        alert=_ALERT.format(alert) if alert else "",
        email_is=invalid + (_FOCUS if alert and not email else ""),
        password_is=invalid + (_FOCUS if alert and email else ""),
    )


def _other_users(users: Mapping[str, User]) -> Markup:
    buttons = (_AS.format(value=value, name=user.name, email=user.email or "") for value, user in users.items())
    return _USERS.format(users=_joined(buttons)) if users else Markup("")


def message(what: Notice, **values: str) -> Reply:
    """Return a page with a message."""
    return _page(what.status, what.title, _MESSAGE.format(title=what.title, text=what.text.format(**values)))


def code(application: Application, code: str) -> Reply:
    """Return the page with a code, for an application without a redirect URI."""
    title = f"You authorized {application.name}"
    content = _header(application, title) + _CODE.format(name=application.name, code=code)
    return _page(200, title, content, icon=application.icon_url)


def redirect(location: str, cookie: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return a redirect. The location may contain a code, so caches and other sites do not get it."""
    headers = (("Location", location), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"))
    return Reply(302, None, (*headers, *cookie), HTML)


def _page(
    status: int, title: str, content: Markup, *, icon: str | None = None, cookie: tuple[tuple[str, str], ...] = ()
) -> Reply:
    # No form-action: browsers apply it to redirects after a form too, and these lead to the application.
    rules = ["default-src 'none'", f"style-src 'sha256-{_HASH}'", "frame-ancestors 'none'", "base-uri 'none'"]
    if icon is not None:
        rules.append(f"img-src {_origin(icon)}")
    headers = (
        ("Content-Security-Policy", "; ".join(rules)),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),  # with no-referrer, a form's Origin would be null
        ("Cache-Control", "no-store"),
    )
    document = _DOCUMENT.format(title=title, style=_STYLE, content=content)
    return Reply(status, str(document), (*headers, *cookie), HTML)


def _header(application: Application, title: str) -> Markup:
    letter = application.name.strip()[:1].upper()
    return _HEADER.format(letter=letter, url=application.icon_url, title=title)


def _origin(url: str) -> str:
    """Return the origin of an image for a Content-Security-Policy."""
    parts = urlsplit(url)
    plain = re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]+)?", parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if plain else f"{parts.scheme}:"


def _where(redirect_uri: str | None) -> str:
    if redirect_uri is None:
        return "Afterwards you see a code for the application."
    parts = urlsplit(redirect_uri)
    return f"Afterwards you are redirected to {parts.netloc.rpartition('@')[2] or parts.scheme}."


def _joined(pieces: Iterable[Markup]) -> Markup:
    return Markup("").join(pieces)
