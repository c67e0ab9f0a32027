"""Exit with status 0 if the server in this container is healthy. With TLS, its certificate is not checked."""

import os
import ssl
from urllib.request import urlopen

PATH = f"127.0.0.1:{os.environ.get('FAKEFLOWDOCK_PORT', '8080')}/_fakeflowdock/health"
try:
    urlopen(f"http://{PATH}", timeout=10)
except OSError:
    urlopen(f"https://{PATH}", timeout=10, context=ssl._create_unverified_context())
