"""A real Unleash server on this machine.

unleash-server (npm) on the Node of one wheel and the PostgreSQL of another, with the impact-metrics routes that its
open-source edition lacks added by `server.mjs`. Importing this costs little; what the extra brings is imported late.
"""

from unleash_gitops.sandbox.control import reset, start, status, stop
from unleash_gitops.sandbox.info import ROUTES, UNLEASH_VERSION, Sandbox

__all__ = ["ROUTES", "UNLEASH_VERSION", "Sandbox", "reset", "start", "status", "stop"]
