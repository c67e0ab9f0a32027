"""A bot with aioflowdock. It tells what happens, and more about it; as a program, in a line of JSON each."""

import asyncio
import json
import os

from aioflowdock import Session
from aiohttp import ClientSession


async def listen(client, tell):
    session = Session(os.environ["API_TOKEN"], session=client)
    over = asyncio.get_running_loop().create_future()

    def tells(*said):
        try:
            tell(*said)
        except SystemExit:
            if not over.done():
                over.set_result(None)

    flows, _ = await session.flows()
    stream = session.stream([flow["id"] for flow in flows if flow["open"]], {"active": "idle", "user": 1})
    stream.on("connected", lambda: tells("connected"))
    stream.on("error", lambda *_: tells("disconnected"))  # its end by the server, too
    stream.on("disconnected", lambda error: tells("error", repr(error)))
    stream.on("clientError", lambda error: tells("error", repr(error)))

    @stream.on("message")
    async def message(event):
        tells("message", event)
        if event["content"] == "Ada ping":
            await session.thread_message(event["flow"], event["thread_id"], "pong")

    await stream.connect()
    await asyncio.wait_for(over, 120)


async def main(tell):
    async with ClientSession(trust_env=True) as client:
        await listen(client, tell)


def run(tell):
    asyncio.run(main(tell))


if __name__ == "__main__":
    run(lambda *said: print(json.dumps(said), flush=True))
