"""The flags that examples/quickstart refers to, created through the Admin API where they are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unleash_gitops.model.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from unleash_gitops.sandbox.info import Sandbox

__all__ = ["FLAGS", "seed_flags"]

FLAGS = {
    "checkout-v2": "The new checkout, rolled out step by step while the team watches its charts.",
    "search-ranking": "A different order of search results.",
}


def seed_flags(running: Sandbox, say: Callable[[str], None]) -> None:
    """Create the missing flags. Existing flags, archived ones included, stay unchanged. Raises SandboxError."""
    import httpx

    created = []
    try:
        with httpx.Client(
            base_url=running.url,
            headers={"Authorization": running.token},
            trust_env=False,  # requests to loopback must not pass a proxy
            timeout=30,
        ) as client:
            for name, description in FLAGS.items():
                if _create(client, name, description):
                    created.append(name)
    except httpx.HTTPError as error:
        raise SandboxError(f"Unleash started, but does not answer: {error}") from error
    if created:
        say(f"created the example flags {' and '.join(created)} in project default")


def _create(client: httpx.Client, name: str, description: str) -> bool:
    """Create a flag; return False when it exists already, active or archived."""
    flag = {"name": name, "type": "release", "description": description, "impressionData": False}
    if client.get(f"/api/admin/projects/default/features/{name}").status_code == 200:
        return False
    answer = client.post("/api/admin/projects/default/features", json=flag)
    if answer.status_code not in (201, 409):  # 409: an archived flag has this name
        raise SandboxError(f"Unleash refused to create flag {name}: {answer.status_code} {answer.text[:300]}")
    return answer.status_code == 201
