"""Examples that happen on a fake with the world `docs`, as OpenAPI has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fakeflowdock

Schema = dict[str, Any]


def title_of(example: Schema) -> str:
    """What an example is called among others of the same request."""
    return str(example.get("event", "example"))


def filled(example: Any) -> Any:
    """Return an example with secrets of the world `docs` instead of their names, so that it works there."""
    if isinstance(example, dict):
        return {name: filled(value) for name, value in example.items()}
    if isinstance(example, list):
        return [filled(value) for value in example]
    if not isinstance(example, str):
        return example
    for name, secret in _secrets().items():
        example = example.replace(f"{{{name}}}", secret)
    return example


def _secrets() -> dict[str, str]:
    path = Path(fakeflowdock.__file__).parent / "world/data/docs.json"
    world = json.loads(path.read_text(encoding="utf-8"))
    source, user, application = world["sources"][1], world["users"][0], world["applications"][0]
    drawn = "0123456789abcdef0123456789abcdef"
    return {
        "flow_token": source["flow_token"],
        "flow_api_token": world["flows"][0]["api_token"],
        "client_id": application["client_id"],
        "client_secret": application["client_secret"],
        "password": user["password"],
        "scim_token": world["organizations"][0]["scim_token"],
        "code": drawn,
        "csrf_token": drawn,
    }
