"""Runs the long runs: `python -m benchmarks.endurance` all of them, `… socket --times 1000` one, shorter."""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

from ..memory import Grown
from . import crowds, fuzzing, resources, socket_grammar, streams
from .serving import Wrong

RUNS = {
    "socket": (fuzzing.on_the_socket, 100_000, "connections with spoiled requests"),
    "grammar": (socket_grammar.by_grammar, 10_000, "pipelines by the grammar of HTTP, each whole and in pieces"),
    "environ": (fuzzing.on_the_application, 100_000, "WSGI environs, spoiled or not"),
    "doors": (fuzzing.at_both_doors, 10_000, "sequences of requests, in process and over a socket"),
    "silent": (crowds.silent_ones, 1_000, "connections that say nothing, while others are answered"),
    "requests": (crowds.requests, 1_000_000, "requests of sixteen clients"),
    "strangers": (resources.strangers, 1_000, "posts of 10 MB without credentials"),
    "rounds": (resources.rounds, 100, "uploads of 5 MB in five rounds, with a reset after each"),
    "streams": (streams.streams, 50_000, "operations in a day of the world's clock, beside 100 streams"),
    "half-open": (resources.half_open, 5_000, "half-open connections to a server with 1,024 files"),
}


def main() -> int:
    """Run what the command line names. Returns 1 where something does not hold, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description="Long runs against a server.")
    parser.add_argument("names", nargs="*", metavar="run", help=f"any of {', '.join(RUNS)}; all when left out")
    parser.add_argument(
        "--times", type=int, help="how many, instead of " + ", ".join(f"{n:,}" for _, n, _ in RUNS.values())
    )
    parser.add_argument("--part", type=int, default=1, metavar="N", help="an Nth of how many")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in RUNS]:
        parser.error(f"there is no run {', '.join(unknown)}, only {', '.join(RUNS)}")
    status = 0
    for name in options.names or RUNS:
        run, times, what = RUNS[name]
        times = options.times or times // options.part
        print(f"{name}: {times:,} {what}", flush=True)
        begun = perf_counter()
        try:
            print(f"    {run(times)}; {perf_counter() - begun:,.0f} s", flush=True)
        except (Wrong, Grown) as wrong:
            print(f"    WRONG: {wrong}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
