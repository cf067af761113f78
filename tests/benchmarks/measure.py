"""What the benchmarks share: a server of their own, clocks, and the command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

TOOL = [sys.executable, "-m", "unleash_gitops"]


@contextmanager
def sandbox() -> Iterator[tuple[str, str]]:
    """Run a sandbox in a temporary directory; give its address and token."""
    from unleash_gitops import sandbox as server

    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNLEASH_GITOPS_SANDBOX_DIR"] = folder
        running = server.start(say=lambda line: print(f"          {line}", file=sys.stderr))
        try:
            yield running.url, running.token
        finally:
            server.reset(say=lambda _: None)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a command; return its peak memory in MiB."""
    script = "import resource,subprocess,sys; subprocess.run(sys.argv[1:],check=True,capture_output=True);"
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", script, *command], check=True, capture_output=True, text=True, env=environment
    )
    return int(done.stdout) / 1024
