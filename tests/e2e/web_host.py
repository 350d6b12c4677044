"""A web process of another host, in one process of its own: `python tests/e2e/web_host.py PORT`."""

from __future__ import annotations

import sys

from statusplatform.supervisor.web import serve

if __name__ == "__main__":
    serve("127.0.0.1", int(sys.argv[1]), 8)
