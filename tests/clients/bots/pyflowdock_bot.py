"""Reads streams with pyflowdock. Each line that it prints is a JSON list: what happened, and more about it.

pyflowdock cannot post as a user. It was written for Python 2, and needs one name of that.
"""

import builtins
import json
import os

import flowdock

builtins.basestring = str


def tell(*said):
    print(json.dumps(said), flush=True)


def events(pieces):
    for piece in pieces:
        if isinstance(piece, dict):
            yield piece
        elif piece.startswith(b"data:"):
            yield json.loads(piece.removeprefix(b"data:"))


open_stream = getattr(flowdock, os.environ["STREAM"])  # JSONStream or EventStream
if "FLOWDOCK_STREAM_URL" in os.environ:
    flowdock.streaming.StreamingAPI.API_URL = os.environ["FLOWDOCK_STREAM_URL"]
while True:
    for event in events(open_stream(os.environ["API_TOKEN"]).fetch(["example/main"], active=True)):
        tell("message", event)
    tell("disconnected")
