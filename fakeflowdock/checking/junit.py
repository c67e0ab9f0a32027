"""Write JUnit XML, one test suite at a time, as read by GitLab and Jenkins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence

END = "</testsuites>\n"
# Characters that are invalid in XML 1.0.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def beginning(name: str) -> str:
    """Return the text before the first suite of a report. `END` follows the last one."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="{name}">\n'


def element(kind: str, text: str = "", inner: Sequence[ET.Element] = (), **attributes: object) -> ET.Element:
    """Return a `testcase`, or one of its children: a `failure`, `skipped` or `system-out`."""
    made = ET.Element(kind, {name: _NO_XML.sub("\ufffd", str(value)) for name, value in attributes.items()})
    made.text = _NO_XML.sub("\ufffd", text)
    made.extend(inner)
    return made


def suite(name: str, cases: Sequence[ET.Element], **attributes: object) -> str:
    """Return a test suite with its counts."""
    failures, skipped = (sum(case.find(kind) is not None for case in cases) for kind in ("failure", "skipped"))
    counts = {"tests": len(cases), "failures": failures, "errors": 0, "skipped": skipped}
    made = element("testsuite", "", cases, name=name, **counts, **attributes)
    ET.indent(made, level=1)
    return f"  {ET.tostring(made, encoding='unicode')}\n"
