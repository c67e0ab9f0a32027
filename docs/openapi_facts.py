"""What the OpenAPI document has that no table of the pages tells: paths, headers, credentials, links."""

from __future__ import annotations

from typing import Any

from kinds import TYPES

from fakeflowdock.api.resources.consent import COOKIE

Schema = dict[str, Any]

NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
NAME: Schema = {"type": "string", "pattern": TYPES["parameterized name"]["pattern"]}
SECRET: Schema = {"type": "string", "minLength": 1}

# What stands in a path, by the word before it where that makes a difference: schema, meaning, example.
IN_PATH: dict[tuple[str, str], tuple[Schema, str, Any]] = {
    ("", "organization"): (NAME, "The organization, by its `parameterized_name`.", "example"),
    ("", "flow"): (NAME, "The flow, by its `parameterized_name`.", "main"),
    ("", "user_id"): (NUMBER, "The number of the other user.", 2),
    ("private", "id"): (NUMBER, "The number of the other user.", 2),
    ("", "organization_id"): (NUMBER, "The number of the organization.", 1),
    ("", "message"): (NUMBER, "The number of the message that is commented.", 1),
    ("", "token"): (SECRET, "The secret of the file, as its `path` has it.", "uB2U6tYnTnQJ5rRgxDd8Qg"),
    ("", "name"): (SECRET, "What the file is called. The token says which file it is.", "screenshot.png"),
    ("", "code"): (SECRET, "The code that an application gets.", "0123456789abcdef0123456789abcdef"),
    ("", "flow_api_tokens"): (SECRET, "The `api_token` of a flow, or several with commas between.", "{flow_api_token}"),
    ("invitations", "id"): (NUMBER, "The number of the invitation.", 14),
    ("applications", "id"): (NUMBER, "The number of the application.", 1),
    ("messages", "id"): (NUMBER, "The number of the message.", 3),
    ("source", "id"): (NUMBER, "The number of the source.", 2),
    ("sources", "id"): (NUMBER, "The number of the source.", 2),
    ("threads", "id"): (SECRET, "The id of the thread.", "x6BAmK_UPxKvtOSj1egQiVUma0s"),
    ("", "uid"): (SECRET, "The organization, by the uid of its Single Sign-On.", "123456"),
    ("Users", "id"): (NUMBER, "The number of the user.", 2),
    ("users", "id"): (NUMBER, "The number of the user.", 2),
}

# What a page asks of a user whose path does not say it, for the examples of such paths.
NOT_IN_PATH: dict[str, Schema] = {
    "send-message": {"flow": "example:main"},
    "create-comment": {"flow": "example:main", "message": 1},
}

WAITING = ("send-message", "create-comment", "post-activity")
WAIT: Schema = {
    "name": "X-flowdock-wait-for-message",
    "in": "header",
    "description": "Whatever it says: a source that sends it is answered with the message.",
    "schema": {"type": "string"},
    "example": "true",
}

SCOPES = {
    "flow": "Read and send messages to flows.",
    "private": "Read and send private messages.",
    "manage": "Manage flows, organizations and their users.",
    "profile": "The user's profile.",
    "offline_access": "Act when the user is not there.",
    "integration": "Create sources.",
}
AUTHORIZE, TOKEN = "https://api.flowdock.com/oauth/authorize", "https://api.flowdock.com/oauth/token"
SECURITY: dict[str, Schema] = {
    "apiToken": {
        "type": "http",
        "scheme": "basic",
        "description": "The `api_token` of a user as user name. The password is ignored and may be missing.",
    },
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "The e-mail address of a user, and their password.",
    },
    "oauth": {
        "type": "oauth2",
        "description": "`Authorization: Bearer` with an OAuth access token.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": AUTHORIZE,
                "tokenUrl": TOKEN,
                "refreshUrl": TOKEN,
                "scopes": SCOPES,
            },
            "password": {"tokenUrl": TOKEN, "refreshUrl": TOKEN, "scopes": SCOPES},
        },
    },
    "accessToken": {
        "type": "apiKey",
        "in": "query",
        "name": "access_token",
        "description": "An OAuth access token in the query. It may stand in the body as well.",
    },
    "flowToken": {
        "type": "apiKey",
        "in": "query",
        "name": "flow_token",
        "description": "The `flow_token` of a source. It may stand in the body as well.",
    },
    "scimToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The SCIM token of an organization.",
    },
    "client": {
        "type": "http",
        "scheme": "basic",
        "description": "The `client_id` of an application as user name, and its `client_secret` as password.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The session of a browser at the consent page.",
    },
}
# On operations that take several kinds of body and have no other optional parameter: openapi-python-client 0.29.1
# makes modules of them that cannot be imported (its issue 1451).
NAMED_CLIENT: Schema = {
    "name": "User-Agent",
    "in": "header",
    "description": "What the client is called. The journal has it, and nothing else depends on it.",
    "schema": {"type": "string"},
    "example": "build-bot/1.0",
}
# Who may call, as credentials. An application needs the scope of the operation.
OF_CALLERS = {
    "user": ("apiToken", "password"),
    "application": ("oauth", "accessToken"),
    "source": ("flowToken",),
    "provisioner": ("scimToken",),
}
# Operations whose credentials are not those of a caller, and those that may go without.
OF_OPERATIONS: dict[str, list[Schema]] = {
    "ask-for-consent": [{}, {"session": []}],
    "give-consent": [{"session": []}],
    "request-tokens": [{}, {"client": []}],
}

HEADERS: dict[str, Schema] = {
    "Status": {
        "description": "The status line once more, number and words.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[1-5][0-9]{2} .+$"},
        "example": "200 OK",
    },
    "Flowdock-User": {
        "description": "The id of the user who was authenticated. A source is no user.",
        "schema": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "example": "1",
    },
    "Location": {
        "description": "Where it leads.",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
    },
    "WWW-Authenticate": {
        "description": "How one may sign in.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Basic realm="Flowdock"',
    },
    "Allow": {
        "description": "The methods that the path has.",
        "required": True,
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "Link": {
        "description": 'Where to go from here: `rel="comments"` where a message is commented, `rel="next"` to more.',
        "schema": {"type": "string"},
        "example": '<https://api.flowdock.com/flows/example/main/messages/7/comments>; rel="comments"',
    },
    "Cache-Control": {
        "description": "That nobody keeps it.",
        "required": True,
        "schema": {"type": "string", "const": "no-store"},
    },
    "Set-Cookie": {
        "description": "The session of the browser.",
        "schema": {"type": "string"},
    },
}
# The headers of replies and errors, besides those that all have.
OF_REPLIES: dict[str, tuple[str, ...]] = {
    "send-message.201": ("Link",),
    "create-comment.201": ("Link",),
    "post-activity.201": ("Link",),
    "list-threads.200": ("Link",),
    "download-file.302": ("Location",),
    "ask-for-consent.200": ("Cache-Control", "Set-Cookie"),
    "ask-for-consent.302": ("Location", "Cache-Control", "Set-Cookie"),
    "give-consent.200": ("Cache-Control", "Set-Cookie"),
    "give-consent.302": ("Location", "Cache-Control", "Set-Cookie"),
    "request-tokens.200": ("Cache-Control",),
    "authentication-challenge": ("www-authenticate",),  # an answer of an integration
}
OF_ERRORS: dict[str, tuple[str, ...]] = {
    "unauthorized": ("WWW-Authenticate",),
    "client-refused": ("WWW-Authenticate",),
    "method-not-allowed": ("Allow",),
}

PLACE = {"organization": "$request.path.organization", "flow": "$request.path.flow"}
HERE = {**PLACE, "id": "$response.body#/id"}
SAME = {**PLACE, "id": "$request.path.id"}
NEW = {"organization": "$request.path.organization", "flow": "$response.body#/parameterized_name"}
LISTED = {
    "organization": "$response.body#/0/organization/parameterized_name",
    "flow": "$response.body#/0/parameterized_name",
}
FIRST = {**PLACE, "id": "$response.body#/0/id"}
THREAD = {**PLACE, "id": "$response.body#/thread_id"}
SCIM_HERE = {"uid": "$request.path.uid", "id": "$response.body#/id"}
SCIM_SAME = {"uid": "$request.path.uid", "id": "$request.path.id"}
IN_THREAD = "-at-flows-threads-messages"
COMMENT = {**PLACE, "message": "$response.body#/id"}
OF_MESSAGE = {
    "get-message": HERE,
    "update-message": HERE,
    "delete-message": HERE,
    "get-thread": THREAD,
    f"list-messages{IN_THREAD}": THREAD,
    f"send-message{IN_THREAD}": THREAD,
}
TALK = {"user_id": "$request.path.user_id"}
OF_PRIVATE_MESSAGE = {
    f"{verb}-private-message": {**TALK, "id": "$response.body#/id"} for verb in ("get", "update", "delete")
}
# Where a reply leads: operation by its `operationId`, with the values that its path then has.
LINKS: dict[str, dict[str, dict[str, str]]] = {
    "create-source.201": {"get-source": HERE, "update-source": HERE, "delete-source": HERE},
    "update-source.200": {"get-source": SAME, "delete-source": SAME},
    "delete-source.204": {"get-source": SAME},
    "list-flow-sources.200": {"get-source": FIRST},
    "create-flow.201": {
        "get-flow": NEW,
        "update-flow": NEW,
        "list-flow-users": NEW,
        "list-messages": NEW,
        "create-source": NEW,
        "send-message-at-flows-messages": NEW,
    },
    "list-flows.200": {"get-flow": LISTED},
    "list-all-flows.200": {"get-flow": LISTED},
    "send-message.201": {**OF_MESSAGE, "create-comment-at-flows-messages-comments": COMMENT},
    "create-comment.201": OF_MESSAGE,
    "list-messages.200": {"get-message": FIRST},
    "update-message.200": {"get-message": SAME, "delete-message": SAME},
    "delete-message.204": {"get-message": SAME},
    "create-invitation.201": {"get-invitation": HERE, "delete-invitation": HERE},
    "list-invitations.200": {"get-invitation": FIRST},
    "delete-invitation.204": {"get-invitation": SAME},
    "create-scim-user.201": {"get-scim-user": SCIM_HERE, "update-scim-user": SCIM_HERE, "delete-scim-user": SCIM_HERE},
    "update-scim-user.200": {"get-scim-user": SCIM_SAME},
    "delete-scim-user.200": {"get-scim-user": SCIM_SAME},
    "list-threads.200": {"get-thread": FIRST, f"list-messages{IN_THREAD}": FIRST},
    "add-flow-user.200": {"block-flow-user": {**PLACE, "id": "$request.body#/id"}},
    "create-application.201": {"get-application": {"id": "$response.body#/id"}},
    "send-private-message.201": OF_PRIVATE_MESSAGE,
    "list-private-messages.200": {"get-private-message": {**TALK, "id": "$response.body#/0/id"}},
    "list-private-conversations.200": {"get-private-conversation": {"id": "$response.body#/0/id"}},
    "get-private-conversation.200": {"list-private-messages": {"user_id": "$response.body#/id"}},
    "list-organizations.200": {"get-organization": {"organization": "$response.body#/0/parameterized_name"}},
    "list-users.200": {"get-user": {"id": "$response.body#/0/id"}},
    "list-organization-users.200": {
        "get-organization-user": {"organization": "$request.path.organization", "id": "$response.body#/0/id"}
    },
}

# What an integration receives when a user performs an UpdateAction.
WEBHOOK: Schema = {
    "x-internal": True,  # for openapi-generator, which takes it for something that a client may call
    "operationId": "receive-thread-action",
    "summary": "Thread action",
    "description": "A user performed an UpdateAction of a thread: the request to its `urlTemplate`, by its "
    "`httpMethod`. Written in docs/api/thread-actions.md#method-and-headers.",
    "parameters": [
        {
            "name": "FLOWDOCK-TOKEN",
            "in": "header",
            "required": True,
            "description": "A JSON Web Token, signed with the `client_secret` of the application by HS256. Its claims "
            "are those of docs/api/thread-actions.md#action-token.",
            "schema": {"type": "string"},
        }
    ],
    "responses": {
        "200": {"description": "The action is done."},
        "401": {
            "description": "The user has to sign in at the integration first.",
            "headers": {
                "WWW-Authenticate": {
                    "description": "`Flowdock-Token url=`, and the URL at which the user signs in.",
                    "schema": {"type": "string"},
                }
            },
        },
        "403": {"description": "The token is invalid, or is for another body."},
    },
}
