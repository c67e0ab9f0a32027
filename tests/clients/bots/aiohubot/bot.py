"""A script of aiohubot. Each line that it prints is a JSON list: what happened, and more about it."""

import json


def use(robot):
    async def heard(response):
        message = response.message
        print(
            json.dumps(["message", {"text": message.text, "id": message.id, "metadata": message.metadata}]), flush=True
        )

    async def asked(response):
        await response.send("pong")

    robot.hear(".*", heard)
    robot.respond("ping", asked)
