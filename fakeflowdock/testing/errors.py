"""The texts of invalid arguments of the methods that tests use. The arguments of entities are in `world/errors.py`."""

from __future__ import annotations


class FlowdockWarning(UserWarning):
    """A contract warning of a passed test: Flowdock accepted a request that its documentation advises against."""


NOT_STARTED = "the fake is not running: call start() first"
TWO_SENDERS = "invalid sender: pass either a source or a user, not both"
NONE = "no {kind} exists: create one with add_{kind}()"
NO_SSO = "organization {name!r} has no Single Sign-On: set it up with add_sso()"
UNKNOWN = "unknown {what} {name!r}"
EXPECTED = "invalid expected {given!r}: expected a mapping of parameters, such as {{'content': 'Hello'}}"
ZERO_TIMES = "invalid times 0: use {instead}"
IMPOSSIBLE = "invalid {name} {given!r}: expected {known}"
TWO_RECEIVERS = "invalid receiver: pass either a flow or a user, not both"
CLEAR = "cannot clear a part of the journal: use requests.clear()"
METHOD = "invalid method {given!r}: expected text, such as 'POST'"
ARGUMENT = "{name}() has no argument {given!r}{hint}"
UNKNOWN_CALLER = "unknown user, source or application {name!r}"
UNKNOWN_METHOD = "unknown method {given!r}{hint}"
STATUS = "invalid status {given!r}: expected a number, such as 200"
CALLER = "invalid caller {given!r}: expected a user, source or application, or its name"
PATH = "invalid path {given!r}: expected one as in exchange.path, which starts with / and has no host and no query"
BASELINE = (
    "{file}:{number}: invalid line {line!r}: expected operation, failure, finding and test, with two spaces between, "
    "as --flowdock-sweep-update writes"
)
READ_ONLY = "{name!r} cannot be replaced{hint}"
NO_STREAM = "no stream{whose}{where} was opened within {timeout:g} {seconds}; open: {listed}"
TOO_FEW_STREAMS = "fewer than {count} streams{whose}{where} were open within {timeout:g} {seconds}; open: {listed}"
TIMEOUT = "invalid timeout {given!r}: expected a number of seconds greater than 0, and at most 3600"
INTEGRATION = "invalid integration {given!r}: expected a WSGI or ASGI application, or the http or https URL of a server"
NO_SETUP_URI = "application {name!r} has no setup_uri: pass it to add_application()"
NO_CONFIGURATION_URI = (
    "source {name!r} has no configuration_url, and application {application!r} has no configuration_uri: "
    "pass one to add_source() or add_application()"
)
WITHIN = "invalid within {given!r}: expected a number of seconds greater than 0, and at most 3600"
WITHIN_NOTE = " within {within:g} {seconds}"
IN_LOOP = " (the event loop of this thread stood still meanwhile: use `await asyncio.to_thread(…)`)"
TIMES = "invalid times {given!r}: expected a whole number of at least 1"
NO_HEADER = "invalid response header {name!r}: expected characters of Latin-1, got {value!r}"
STEPS = "invalid steps: expected at least two operations, such as 'create source', or at least two mappings of messages"
