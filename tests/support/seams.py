"""The function of each client that tracers and mocks replace."""

from __future__ import annotations

import http.client
import urllib.request
from typing import Any

import aiohttp
import httpx
import httpx2
import httpxyz
import urllib3
from requests.adapters import HTTPAdapter

SEAMS: dict[str, tuple[Any, str]] = {
    "requests": (HTTPAdapter, "send"),
    "httpx": (httpx.HTTPTransport, "handle_request"),
    "httpx asynchronous": (httpx.AsyncHTTPTransport, "handle_async_request"),
    "httpx2": (httpx2.HTTPTransport, "handle_request"),
    "httpx2 asynchronous": (httpx2.AsyncHTTPTransport, "handle_async_request"),
    "httpxyz": (httpxyz.HTTPTransport, "handle_request"),
    "httpxyz asynchronous": (httpxyz.AsyncHTTPTransport, "handle_async_request"),
    "aiohttp": (aiohttp.BaseConnector, "connect"),
    "urllib3": (urllib3.HTTPConnectionPool, "urlopen"),
    "urllib.request": (urllib.request.AbstractHTTPHandler, "do_open"),
    "http.client": (http.client.HTTPConnection, "connect"),
}
