"""`python -m fakeflowdock`."""

import gc
import sys

# Python's are much lower. A world is large and has hardly any cycles, and what is imported has none. A full collection
# blocks all requests for tens of milliseconds, and by default happens each time the world has grown by a quarter.
gc.set_threshold(20_000, 50, 100)

from .cli.main import main  # noqa: E402  # most of the collections would happen while this is imported

if __name__ == "__main__":
    sys.exit(main())
