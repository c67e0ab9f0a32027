"""The operations of docs/api/oauth.md that a person meets in a browser: asked for consent, they give it or not."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ...world import grants
from ...world.models import OUT_OF_BAND, AuthorizationCode, Session
from ...world.scopes import scopes_of
from .. import consent_pages
from ..callers import ANYONE
from ..operations import Call, Reply, operation

if TYPE_CHECKING:
    from ...contract.validation import Violation
    from ...world.models import Application, User
    from ...world.store import Store

COOKIE = "fakeflowdock_session"
ASKED = ("client_id", "response_type", "redirect_uri", "scope", "state")


@dataclass(frozen=True)
class ConsentRequest:
    """A request for consent that may be answered where its application is.

    Attributes:
        redirect_uri: the registered one, which the request may name.
        fields: what the request says, of `ASKED`.
    """

    application: Application
    redirect_uri: str
    fields: dict[str, str]

    @property
    def state(self) -> dict[str, str]:
        """What the application wants to have back."""
        return {"state": self.fields["state"]} if "state" in self.fields else {}

    def signed(self, session: Session) -> str:
        """What only a page of ours, for this request and this browser, can know."""
        return hmac.digest(session.cookie.encode(), json.dumps(self.fields, sort_keys=True).encode(), "sha256").hex()


def asked_for(call: Call) -> ConsentRequest | Reply:
    """The request for consent; or the page that says why nobody may be led back with an answer to it."""
    fields = {name: value for name in ASKED if isinstance(value := call.fields.get(name), str) and value}
    application = call.store.application_by_client_id(fields.get("client_id", ""))
    if application is None:
        return consent_pages.message(consent_pages.UNKNOWN_APPLICATION)
    if fields.get("redirect_uri", application.redirect_uri) != application.redirect_uri:
        return consent_pages.message(consent_pages.UNSAFE_LINK, name=application.name)
    return ConsentRequest(application, application.redirect_uri, fields)


def _refuse_fields(call: Call, asked: ConsentRequest | Reply, violations: list[Violation]) -> Reply:
    if isinstance(asked, Reply):
        return asked
    wrong = sorted({violation.field or "" for violation in violations})
    return _with_error(asked, "invalid_request", consent_pages.WRONG_FIELDS.format(fields=", ".join(wrong)))


@operation("GET /oauth/authorize", callers=(ANYONE,), find=asked_for, invalid=_refuse_fields)
def ask_for_consent(call: Call, asked: ConsentRequest | Reply) -> Reply:
    """The consent page; or, where consent is automatic, what follows it."""
    if isinstance(asked, Reply):
        return asked
    if problem := _problem(asked):
        return problem
    session = _session(call)
    user = _user(call.store, session)
    agrees = user or next(iter(call.store.users.values()), None)
    if call.store.settings.auto_consent and agrees is not None:
        return _with_code(call, asked, agrees)
    if session is None:
        session = _begin(call.store, None)
        return _page(call, asked, session, cookie=_cookie(call, session))
    return _page(call, asked, session)


@operation("POST /oauth/authorize", callers=(ANYONE,), find=asked_for, invalid=_refuse_fields)
def give_consent(call: Call, asked: ConsentRequest | Reply) -> Reply:
    """What the person at the consent page decided."""
    if isinstance(asked, Reply):
        return asked
    if problem := _problem(asked):
        return problem
    store, session, given = call.store, _session(call), call.fields
    if call.headers.get("origin", call.base) != call.base:
        return _forged(consent_pages.OTHER_SITE)
    if session is None:
        return _forged(consent_pages.NO_COOKIE)
    if not hmac.compare_digest(asked.signed(session).encode(), given["csrf_token"].encode("utf-8", "replace")):
        return _forged(consent_pages.OTHER_FORM)
    if given["decision"] == "deny":
        return _with_error(asked, "access_denied", consent_pages.USER_DENIED)
    if given["decision"] == "sign_out":
        _end(store, session)
        session = _begin(store, None)
        return _page(call, asked, session, cookie=_cookie(call, session))
    if given["decision"] != "authorize":
        return _forged(consent_pages.OTHER_FORM)
    if (user := _user(store, session)) is not None:
        return _with_code(call, asked, user)
    email = given.get("email", "")
    user = store.user_by_password(email, given.get("password", ""))
    if user is None:
        return _page(call, asked, session, status=403, email=email, alert=consent_pages.WRONG_PASSWORD)
    _end(store, session)  # what was known before the sign-in is worth nothing after it
    return _with_code(call, asked, user, _cookie(call, _begin(store, user)))


def code_of_the_path(call: Call) -> AuthorizationCode | None:
    """The code that the path names, if it is still to be shown to somebody."""
    code = call.store.codes.find(call.path["code"])
    if code is None or code.used or code.redirect_uri != OUT_OF_BAND or call.store.now >= code.expires_at:
        return None
    return code


@operation("GET /oauth/authorize/:code", callers=(ANYONE,), find=code_of_the_path)
def show_code(call: Call, code: AuthorizationCode | None) -> Reply:
    """The code, for the user to copy."""
    if code is None:
        return consent_pages.message(consent_pages.INVALID_CODE)
    return consent_pages.code(call.store.applications[code.application_id], code.code)


def _problem(asked: ConsentRequest) -> Reply | None:
    """The answer to a request for what nobody can give, or None."""
    if asked.fields["response_type"] != "code":
        return _with_error(asked, "unsupported_response_type", consent_pages.NO_RESPONSE_TYPE)
    try:
        scopes_of(asked.fields.get("scope"))
    except ValueError:
        return _with_error(asked, "invalid_scope", consent_pages.NO_SCOPE)
    return None


def _page(
    call: Call,
    asked: ConsentRequest,
    session: Session,
    *,
    status: int = 200,
    email: str = "",
    alert: str = "",
    cookie: tuple[tuple[str, str], ...] = (),
) -> Reply:
    return consent_pages.consent(
        asked.application,
        scopes_of(asked.fields.get("scope")),
        None if asked.redirect_uri == OUT_OF_BAND else asked.redirect_uri,
        {**asked.fields, "csrf_token": asked.signed(session)},
        _user(call.store, session),
        status=status,
        email=email,
        alert=alert,
        cookie=cookie,
    )


def _with_code(call: Call, asked: ConsentRequest, user: User, cookie: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Lead the browser back with a code, or to the page that shows it."""
    scopes = scopes_of(asked.fields.get("scope"))
    code = grants.give_code(call.store, user, asked.application, scopes, asked="redirect_uri" in asked.fields).code
    if asked.redirect_uri == OUT_OF_BAND:
        return consent_pages.redirect(f"{call.base}/oauth/authorize/{code}", cookie)
    return consent_pages.redirect(_with_parameters(asked.redirect_uri, {"code": code, **asked.state}), cookie)


def _with_error(asked: ConsentRequest, error: str, description: str) -> Reply:
    """Lead the browser back with an error, as RFC 6749, section 4.1.2.1, has it; or tell the person at it."""
    if asked.redirect_uri == OUT_OF_BAND:
        page = consent_pages.DENIED if error == "access_denied" else consent_pages.UNSUPPORTED
        return consent_pages.message(page, name=asked.application.name, description=description, error=error)
    told = {"error": error, "error_description": description, **asked.state}
    return consent_pages.redirect(_with_parameters(asked.redirect_uri, told))


def _with_parameters(uri: str, parameters: dict[str, str]) -> str:
    """A URI with more in its query; what was there stays."""
    path, _, query = uri.partition("?")
    return f"{path}?{'&'.join(filter(None, (query, urlencode(parameters))))}"


def _forged(reason: str) -> Reply:
    return consent_pages.message(consent_pages.FORGED, reason=reason)


def _session(call: Call) -> Session | None:
    """The session of the browser, by its cookie."""
    for pair in call.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE and (session := call.store.sessions.find(value)) is not None and not session.ended:
            return session
    return None


def _user(store: Store, session: Session | None) -> User | None:
    return None if session is None or session.user_id is None else store.users[session.user_id]


def _begin(store: Store, user: User | None) -> Session:
    cookie = store.draw("session")
    return store.sessions.add(cookie, Session(None if user is None else user.id, ended=False, cookie=cookie))


def _end(store: Store, session: Session) -> None:
    store.sessions.change(session.cookie, replace(session, ended=True))


def _cookie(call: Call, session: Session) -> tuple[tuple[str, str], ...]:
    secure = "; Secure" if call.base.startswith("https:") else ""
    return (("Set-Cookie", f"{COOKIE}={session.cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"),)
