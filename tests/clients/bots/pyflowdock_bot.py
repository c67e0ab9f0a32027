"""Reads streams with pyflowdock. It tells what happens, and more about it; as a program, in a line of JSON each.

pyflowdock cannot post as a user. It was written for Python 2, and needs one name of that.
"""

import builtins
import json
import os

import flowdock

builtins.basestring = str


def events(pieces):
    for piece in pieces:
        if isinstance(piece, dict):
            yield piece
        elif piece.startswith(b"data:"):
            yield json.loads(piece.removeprefix(b"data:"))


def run(tell):
    open_stream = getattr(flowdock, os.environ["STREAM"])  # JSONStream or EventStream
    if "FLOWDOCK_STREAM_URL" in os.environ:
        flowdock.streaming.StreamingAPI.API_URL = os.environ["FLOWDOCK_STREAM_URL"]
    while True:
        for event in events(open_stream(os.environ["API_TOKEN"]).fetch(["example/main"], active=True)):
            tell("message", event)
        tell("disconnected")


if __name__ == "__main__":
    run(lambda *said: print(json.dumps(said), flush=True))
