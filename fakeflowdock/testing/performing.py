"""Perform thread actions: send the request to the integration, and tell the user what came of it."""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from ..api.actions.delivery import judged
from ..api.actions.request import build, is_http
from ..api.errors import NotDelivered, NotSent
from ..api.fault_matching import DeliveryMatching
from ..api.faults import fault_for, in_process
from ..api.messages import Headers, Response
from ..interception import other_hosts
from ..world import naming
from . import errors
from .lists import DeliveryList
from .streams import Streaming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..api.actions.delivery import Delivery
    from ..api.actions.request import ActionRequest, Flaw
    from ..api.app import App
    from ..api.failures import Connection, Failure
    from ..api.faults import Fault, Faults
    from ..api.streams.hub import Streams
    from ..world.models import Application, Flow, Source, Thread, User

    Integration = str | Callable[..., Any]

TIMEOUT = 30.0  # seconds: the lifetime of a token


@dataclass(frozen=True)
class DeliveryOptions:
    """How a request is sent.

    Attributes:
        integration: a WSGI or ASGI application, or the URL of a server. None: the URL of the action.
        timeout: seconds until the response must be there.

    Raises:
        ValueError: a value is invalid.
    """

    integration: Integration | None = None
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if type(self.timeout) not in (int, float) or not 0 < self.timeout <= 3600:
            raise ValueError(errors.TIMEOUT.format(given=self.timeout))
        known = self.integration
        if not (known is None or callable(known) or (isinstance(known, str) and is_http(known))):
            raise ValueError(errors.INTEGRATION.format(given=known))

    def url_of(self, request: ActionRequest) -> str:
        """Return where a request goes over the network: to the same path of another server, if one is given."""
        if not isinstance(self.integration, str):
            return request.url
        server, own = urlsplit(self.integration), urlsplit(request.url)
        return own._replace(scheme=server.scheme, netloc=server.netloc).geturl()


def deliver(app: App, request: ActionRequest, options: DeliveryOptions) -> tuple[Delivery, BaseException | None]:
    """Send a request to the integration, and keep what came of it. The lock of the world is not held meanwhile.

    Returns:
        The delivery, and the exception that the integration raised, if it is called in process.
    """
    if app.sharing is None:
        met = app.faults.due(request, DeliveryMatching)
    else:
        met = app.sharing.due(request, options.timeout)
    begun = time.monotonic()
    failure = None if met is None else met[1]
    response: Response | None = None
    reason: str | None = None
    raised: BaseException | None = None
    sent = True
    try:
        response = _answered(app, request, options, failure)
    except NotDelivered as error:
        reason = str(error)
    except NotSent as error:
        reason, sent = str(error), False
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, CancelledError and pytest.fail()
        reason, raised = NotDelivered.RAISED.format(error=f"{type(error).__name__}: {error}"), error
    seconds = time.monotonic() - begun
    return app.keep_delivery(judged(request, response, reason, seconds, sent=sent, failure=failure)), raised


def deliver_by_url(app: App, request: ActionRequest) -> Delivery:
    """Send the request for an action that is performed by its signed URL. What the integration raises is a failure."""
    return deliver(app, request, DeliveryOptions(app.integration))[0]


def _answered(app: App, request: ActionRequest, options: DeliveryOptions, failure: Failure | None) -> Response:
    """Return the response, with a fault applied. Raises NotDelivered and NotSent."""
    if failure is None:
        return _requested(app, request, options)
    replaces = failure.status is not None or failure.connection not in (None, "cut")
    in_time = failure.connection != "timeout" and failure.seconds <= options.timeout
    if app.sharing is None and failure.connection != "timeout":  # a shared world has waited already
        in_process(app.store, options.timeout)(failure.seconds)
    response: Response | None = None
    if failure.after or (in_time and not replaces):
        response = _requested(app, request, options)
    if not in_time:
        raise NotDelivered.of(NotDelivered.TIMEOUT, seconds=options.timeout)
    if failure.connection is not None:
        raise NotDelivered.of(NotDelivered.FAULT, failure=failure)
    status, body, kept = failure.status, failure.raw, Headers()
    if status is None:
        assert response is not None
        status, kept = response.status, response.headers
        body = response.body if failure.body is None else body
    given = Headers(failure.more_headers)
    others = [(name, value) for name, value in kept.multi_items() if name not in given]
    return Response(status, Headers([*others, *given.multi_items()]), body, request)


def _requested(app: App, request: ActionRequest, options: DeliveryOptions) -> Response:
    """Return the response of the integration. Raises NotDelivered and NotSent."""
    if callable(options.integration):
        from .integrations import call

        return call(options.integration, request, options.timeout)
    from ..http.outgoing import send

    with other_hosts.own():
        return send(request, options.url_of(request), app.store.settings.callbacks, options.timeout)


class Performing(Streaming):
    """A world whose users perform thread actions."""

    @property
    @abstractmethod
    def _app(self) -> App:
        """The app of the world."""

    @property
    def _faults(self) -> Faults:
        return self._app.faults

    @property
    def _streams(self) -> Streams:
        return self._app.streams

    @property
    def integration(self) -> Integration | None:
        """What gets the requests of thread actions. Default: None, the server in the URL of the action.

        A WSGI or ASGI application is called in process. Of the URL of a server, scheme, host and port replace those of
        the action.
        """
        found: Integration | None = self._app.integration
        return found

    @integration.setter
    def integration(self, integration: Integration | None) -> None:
        self._app.integration = DeliveryOptions(integration).integration

    @property
    def deliveries(self) -> DeliveryList:
        """The last 1,000 thread actions that were performed, oldest first. docs/api/thread-actions.md."""
        return DeliveryList(self._store, self._app.deliveries)

    def action_request(
        self, thread: Thread | str, action: str | int, user: User | str | None = None, *, flaw: Flaw | None = None
    ) -> ActionRequest:
        """Return the request that an integration gets when a user performs a thread action. It is not sent.

        Args:
            thread: a thread, its id, or its `external_thread_id`.
            action: the name of an UpdateAction, or its position in `thread.actions`, from 0.
            user: who performs it. Default: the first user.
            flaw: what is wrong with the request, to test that it is refused: `wrong secret`, `expired token`,
                `changed body` or `no token`. Default: nothing.

        Raises:
            ValueError: the thread or action is unknown, or cannot be performed by this user.
        """
        return build(self._store, thread, action, self._user(user), flaw=flaw)

    def perform(
        self,
        thread: Thread | str,
        action: str | int,
        user: User | str | None = None,
        *,
        integration: Integration | None = None,
        timeout: float | timedelta = TIMEOUT,
        flaw: Flaw | None = None,
    ) -> Delivery:
        """Perform a thread action, as if a user had clicked it: the integration is requested.

        A request over the network needs a host that `callbacks` allows: by default only this machine. It is never
        intercepted, and redirects are not followed. In an event loop that also runs the server, perform the action in a
        thread: `await asyncio.to_thread(fake.perform, …)`.

        Args:
            thread, action, user, flaw: as for `action_request`.
            integration: a WSGI or ASGI application, or the URL of a server. Default: the attribute `integration`.
            timeout: how long to wait for the response, in seconds or as a timedelta. Default: 30.

        Returns:
            The request, the response, and the outcome for the user. It is in `deliveries` too.

        Raises:
            ValueError: an argument is invalid.
            Exception: an application that is called in process raised it.
        """
        app = self._app
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        options = DeliveryOptions(app.integration if integration is None else integration, seconds)
        delivery, raised = deliver(app, self.action_request(thread, action, user, flaw=flaw), options)
        if raised is not None:
            raise raised
        return delivery

    def fail_delivery(
        self,
        action: str | None = None,
        *,
        thread: Thread | None = None,
        user: User | str | None = None,
        nth: int | None = None,
        times: int | None = None,
        status: int | None = None,
        body: Any = None,
        latency: float | timedelta = 0,
        connection: Connection | None = None,
        after: bool = False,
        headers: Mapping[str, str] | None = None,
        probability: float | None = None,
        seed: int | None = None,
        sequence: Iterable[Failure | None] | None = None,
        optional: bool = False,
    ) -> Fault:
        """Make matching requests to integrations fail. A thread action must match all given criteria.

        Args:
            action: the name of the action.
            thread, user: the thread, and who performs the action.
            nth, times, status, body, latency, connection, after, headers, probability, seed, sequence, optional: as for
                `fail`. The status is that of the integration. Nothing sleeps: a latency that is no shorter than the
                timeout is a timeout.

        Returns:
            The fault, which is in `faults` too.

        Raises:
            ValueError: the arguments contradict each other.
        """
        what = {"status": status, "body": body, "latency": latency, "connection": connection, "after": after}
        what["headers"] = headers
        matching = DeliveryMatching(action=action, thread=thread, user=None if user is None else self._user(user))
        fault = fault_for(matching, nth, times, sequence, what, probability, seed)
        fault.optional = optional
        return self._faults.add(fault)

    # Other pages of an integration that users are redirected to

    def setup_url(self, application: Application | str | None = None, flow: Flow | str | None = None) -> str:
        """Return where Flowdock redirects a user who sets an application up for a flow: its `setup_uri`, with `flow`.

        Args:
            application: default: the first one.
            flow: a flow or its path, `acme/ops`.

        Raises:
            ValueError: the application has no `setup_uri`.
        """
        where = self._flow(flow)
        with self._store.lock:
            known = self._store.applications[self._application(application).id]
        if known.setup_uri is None:
            raise ValueError(errors.NO_SETUP_URI.format(name=known.name))
        return _with_query(known.setup_uri, flow=where.id)

    def configuration_url(self, source: Source | str) -> str:
        """Return where Flowdock redirects a user who configures a source, with `integration_id` and `flow`.

        It is the `configuration_url` of the source, or else the `configuration_uri` of its application.

        Raises:
            ValueError: neither of them is there, or the source is unknown.
        """
        with self._store.lock:
            if isinstance(source, str):
                source = naming.source_called(self._store, source)
            known = self._store.sources.get(source.id)
            if known is None:
                raise ValueError(errors.UNKNOWN.format(what="source", name=source.name))
            application = self._store.applications[known.application_id]
        uri = known.configuration_url or application.configuration_uri
        if uri is None:
            raise ValueError(errors.NO_CONFIGURATION_URI.format(name=known.name, application=application.name))
        return _with_query(uri, integration_id=str(known.id), flow=known.flow_id)


def _with_query(uri: str, **parameters: str) -> str:
    """Return a URI with parameters behind those that it has."""
    parts = urlsplit(uri)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return parts._replace(query=query).geturl()
