"""A real Unleash server on this machine.

It runs unleash-server (npm) on Node and PostgreSQL, both from Python wheels. `server.mjs` adds the impact-metrics
routes that the open-source edition lacks. Importing this package imports no library of the extra: that happens on use.
"""

from unleash_gitops.sandbox.control import reset, start, status, stop
from unleash_gitops.sandbox.info import ROUTES, UNLEASH_VERSION, Sandbox

__all__ = ["ROUTES", "UNLEASH_VERSION", "Sandbox", "reset", "start", "status", "stop"]
