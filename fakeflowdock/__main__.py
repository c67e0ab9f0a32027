"""`python -m fakeflowdock`."""

import sys

from .cli.main import main

sys.exit(main())
