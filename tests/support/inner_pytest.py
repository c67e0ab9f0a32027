"""pytest within a test: a suite as a user has it, run by a pytest of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

PLUGIN = "fakeflowdock.pytest_plugin"


def run(
    pytester: pytest.Pytester, *options: str, plugins: Iterable[str] = (), new_process: bool = False
) -> pytest.RunResult:
    """Run the suite in the folder of a `pytester`, with our plugin and those that are named, and no other.

    To load all that is installed takes most of the time of a short run. One test does it, for the entry point.

    Args:
        options: of the command line.
        plugins: the modules of more plugins, `xdist.plugin`.
        new_process: whether to run it in one of its own, in which nothing was imported yet: this takes long, too.
    """
    named = [word for plugin in (PLUGIN, *plugins) for word in ("-p", plugin)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        for name in ("CI", "BUILD_NUMBER"):  # with one of them, pytest's short summary has whole messages
            patch.delenv(name, raising=False)
        patch.setattr(sys, "dont_write_bytecode", True)  # a file rewritten within a second looks as if it were cached
        if new_process:
            return pytester.runpytest_subprocess(*named, "-W", "error", *options, timeout=LIMIT)
        # Without faulthandler: on an error it would switch off what ends this test if it hangs. And an old pytest warns
        # of a plugin that this process has imported already.
        imported = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
        given = ("-p", "no:faulthandler", "-W", "error", "-W", imported, "-W", "ignore::fakeflowdock.FlowdockWarning")
        return pytester.runpytest_inprocess(*named, *given, *options)
