"""The operations of docs/api/oauth.md for browsers: the consent page and its form."""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...world import grants
from ...world.authorization import AuthorizationCode, Session
from ...world.models import OUT_OF_BAND
from ...world.scopes import scopes_of
from ...world.secrets import is_visitor, new_visitor
from .. import consent_pages
from ..callers import ANYONE
from ..environ import DEFAULT_WORLD, ENTRY, WORLD, origin_of, root_of
from ..operations import Call, Reply, operation

if TYPE_CHECKING:
    from ...contract.validation import Violation
    from ...world.models import Application, User
    from ...world.store import Store

COOKIE = "fakeflowdock_session"  # of the server's own world; the name of each other world follows a dot
SIGN_IN_AS = "sign_in_as_"
SHOWN = 8  # users to sign in as
FIELDS = ("client_id", "response_type", "redirect_uri", "scope", "state")


@dataclass(frozen=True)
class ConsentRequest:
    """A request for consent whose application and redirect URI are valid.

    Attributes:
        redirect_uri: the registered one.
        fields: its parameters, of `FIELDS`.
    """

    application: Application
    redirect_uri: str
    fields: dict[str, str]

    @property
    def state(self) -> dict[str, str]:
        """The parameter `state`, which the redirect repeats."""
        return {"state": self.fields["state"]} if "state" in self.fields else {}

    def signed(self, session: Session) -> str:
        """Return the CSRF token of this request in this browser session."""
        return hmac.digest(session.cookie.encode(), json.dumps(self.fields, sort_keys=True).encode(), "sha256").hex()


def consent_request_of(call: Call) -> ConsentRequest | Reply:
    """Return the request for consent; or an error page, if it cannot be trusted with a redirect."""
    fields = {name: value for name in FIELDS if isinstance(value := call.fields.get(name), str) and value}
    application = call.store.application_by_client_id(fields.get("client_id", ""))
    if application is None:
        return consent_pages.message(consent_pages.UNKNOWN_APPLICATION)
    if fields.get("redirect_uri", application.redirect_uri) != application.redirect_uri:
        return consent_pages.message(consent_pages.UNSAFE_LINK, name=application.name)
    return ConsentRequest(application, application.redirect_uri, fields)


def _refuse_fields(call: Call, request: ConsentRequest | Reply, violations: list[Violation]) -> Reply:
    if isinstance(request, Reply):
        return request
    wrong = sorted({violation.field or "" for violation in violations})
    return _with_error(request, "invalid_request", consent_pages.WRONG_FIELDS.format(fields=", ".join(wrong)))


@operation("GET /oauth/authorize", callers=(ANYONE,), find=consent_request_of, invalid=_refuse_fields)
def ask_for_consent(call: Call, request: ConsentRequest | Reply) -> Reply:
    """Return the consent page; or, if consent is automatic, the redirect with a code."""
    if isinstance(request, Reply):
        return request
    if problem := _problem(request):
        return problem
    session = _session(call)
    user = _user(call.store, session)
    agrees = user or next(iter(call.store.users.values()), None)
    if call.store.settings.auto_consent and agrees is not None:
        return _with_code(call, request, agrees)
    if session is None:
        session = _visitor(call)
        return _page(call, request, session, cookie=_cookie(call, session))
    return _page(call, request, session)


@operation("POST /oauth/authorize", callers=(ANYONE,), find=consent_request_of, invalid=_refuse_fields)
def give_consent(call: Call, request: ConsentRequest | Reply) -> Reply:
    """Return the response to the decision on the consent page."""
    if isinstance(request, Reply):
        return request
    if problem := _problem(request):
        return problem
    store, session, given = call.store, _session(call), call.fields
    own = origin_of(call.base)
    if call.header("origin", own) != own:
        return _forged(consent_pages.OTHER_SITE)
    if session is None:
        return _forged(consent_pages.NO_COOKIE)
    if not hmac.compare_digest(request.signed(session).encode(), given["csrf_token"].encode("utf-8", "replace")):
        return _forged(consent_pages.OTHER_FORM)
    if given["decision"] == "deny":
        return _with_error(request, "access_denied", consent_pages.USER_DENIED)
    if given["decision"] == "sign_out":
        _end(store, session)
        session = _visitor(call)
        return _page(call, request, session, cookie=_cookie(call, session))
    if (user := _chosen(store, given["decision"])) is not None:
        _end(store, session)
        session = _begin(store, user)
        return _page(call, request, session, cookie=_cookie(call, session))
    if given["decision"] != "authorize":
        return _forged(consent_pages.OTHER_FORM)
    if (user := _user(store, session)) is not None:
        return _with_code(call, request, user)
    email = given.get("email", "")
    user = store.user_by_password(email, given.get("password", ""))
    if user is None:
        return _page(call, request, session, status=403, email=email, alert=consent_pages.WRONG_PASSWORD)
    _end(store, session)  # against session fixation
    return _with_code(call, request, user, _cookie(call, _begin(store, user)))


def code_of_the_path(call: Call) -> AuthorizationCode | None:
    """Return the code in the path, if it can still be used and is for copying."""
    code = call.store.codes.find(call.path["code"])
    if code is None or code.used or code.redirect_uri != OUT_OF_BAND or call.store.now >= code.expires_at:
        return None
    return code


@operation("GET /oauth/authorize/:code", callers=(ANYONE,), find=code_of_the_path)
def show_code(call: Call, code: AuthorizationCode | None) -> Reply:
    """Return the page with a code for the user to copy."""
    if code is None:
        return consent_pages.message(consent_pages.INVALID_CODE)
    return consent_pages.code(call.store.applications[code.application_id], code.code)


def _problem(request: ConsentRequest) -> Reply | None:
    """Return the error for a request that cannot be granted, or None."""
    if request.fields["response_type"] != "code":
        return _with_error(request, "unsupported_response_type", consent_pages.NO_RESPONSE_TYPE)
    try:
        scopes_of(request.fields.get("scope"))
    except ValueError:
        return _with_error(request, "invalid_scope", consent_pages.NO_SCOPE)
    return None


def _page(call: Call, request: ConsentRequest, session: Session, **more: Any) -> Reply:
    return consent_pages.consent(
        request.application,
        scopes_of(request.fields.get("scope")),
        None if request.redirect_uri == OUT_OF_BAND else request.redirect_uri,
        {**request.fields, "csrf_token": request.signed(session)},
        _user(call.store, session),
        {f"{SIGN_IN_AS}{user.id}": user for user in islice(call.store.users.values(), SHOWN)},
        root=root_of(call.base),
        **more,
    )


def _with_code(call: Call, request: ConsentRequest, user: User, cookie: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Redirect the browser to the application with a code, or to the page that shows the code."""
    scopes = scopes_of(request.fields.get("scope"))
    code = grants.give_code(call.store, user, request.application, scopes, asked="redirect_uri" in request.fields).code
    if request.redirect_uri == OUT_OF_BAND:
        return consent_pages.redirect(f"{call.base}/oauth/authorize/{code}", cookie)
    return consent_pages.redirect(_with_parameters(request.redirect_uri, {"code": code, **request.state}), cookie)


def _with_error(request: ConsentRequest, error: str, description: str) -> Reply:
    """Redirect with an error (RFC 6749, section 4.1.2.1); or show it, if the application has no redirect URI."""
    if request.redirect_uri == OUT_OF_BAND:
        page = consent_pages.DENIED if error == "access_denied" else consent_pages.UNSUPPORTED
        return consent_pages.message(page, name=request.application.name, description=description, error=error)
    parameters = {"error": error, "error_description": description, **request.state}
    return consent_pages.redirect(_with_parameters(request.redirect_uri, parameters))


def _with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """Add parameters to the query of a URI."""
    path, _, query = uri.partition("?")
    return f"{path}?{'&'.join(filter(None, (query, urlencode(parameters))))}"


def _forged(reason: str) -> Reply:
    return consent_pages.message(consent_pages.FORGED, reason=reason)


def _session(call: Call) -> Session | None:
    """Return the session of the browser's cookie, unless it has ended."""
    store, cookie = call.store, _cookie_name(call)
    for pair in call.header("cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if name != cookie:
            continue
        if (session := store.sessions.find(value)) is not None and not session.ended:
            return session
        if is_visitor(store.seed, value):
            return Session(None, cookie=value)
    return None


def _chosen(store: Store, decision: str) -> User | None:
    """Return the user of a button of the page, who signs in without a password: nobody real is behind them."""
    number = decision.removeprefix(SIGN_IN_AS)
    return store.users.get(int(number)) if number != decision and re.fullmatch("[0-9]{1,18}", number) else None


def _user(store: Store, session: Session | None) -> User | None:
    return None if session is None or session.user_id is None else store.users[session.user_id]


def _visitor(call: Call) -> Session:
    """Return the session of a browser that has not signed in. It is not stored: anyone can open the page."""
    return Session(None, cookie=new_visitor(call.store.seed, call.environ.get(ENTRY)))


def _begin(store: Store, user: User) -> Session:
    cookie = store.draw("session")
    return store.sessions.add(cookie, Session(user.id, cookie=cookie))


def _end(store: Store, session: Session) -> None:
    if session.user_id is not None:
        store.sessions.change(session.cookie, replace(session, ended=True))


def is_cookie(name: str) -> bool:
    """Return whether a cookie is of a session, in any world."""
    return name == COOKIE or name.startswith(f"{COOKIE}.")


def _cookie_name(call: Call) -> str:
    """Return the name of the cookie in this world: a browser that tries one world stays signed in to the others."""
    world = call.environ.get(WORLD, DEFAULT_WORLD)
    return COOKIE if world == DEFAULT_WORLD else f"{COOKIE}.{world}"


def _cookie(call: Call, session: Session) -> tuple[tuple[str, str], ...]:
    secure = "; Secure" if call.base.startswith("https:") else ""
    return (("Set-Cookie", f"{_cookie_name(call)}={session.cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"),)
