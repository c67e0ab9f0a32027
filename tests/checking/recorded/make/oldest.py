"""Record with the first versions of vcrpy, by Python 2: `python2 oldest.py FILE API FLOW_TOKEN`."""

import io
import json
import sys

import requests
import vcr

FILE, API, TOKEN = sys.argv[1:]
MESSAGE = {"flow_token": TOKEN, "event": "message", "content": "Build 42 is green", "external_user_name": "CI"}
AGENT = {"User-Agent": "python-requests"}  # the default one names the machine
DUST = {"content": ("dust.bin", io.BytesIO(b"\0\xc8\n\r\xff"))}

with vcr.use_cassette(FILE):
    requests.post(API + "/messages", json.dumps(MESSAGE), headers=dict(AGENT, **{"Content-Type": "application/json"}))
    requests.post(API + "/messages", dict(MESSAGE, content=""), headers=AGENT)
    requests.post(API + "/messages", {"flow_token": TOKEN, "event": "file"}, headers=AGENT, files=DUST)
