"""The limits on the deletes of a plan, and whether a plan is over them. A plan that is over a limit is refused."""

from __future__ import annotations

from pydantic import Field

from unleash_gitops.model.data import Data

__all__ = ["MIN_OWNED_FOR_SHARE", "DeleteLimits"]

MIN_OWNED_FOR_SHARE = 10
"""How many objects a workspace must own before the share of its deletes counts."""
_MIN_OWNED_FOR_ALL = 2


class DeleteLimits(Data):
    """The limits of a workspace, and the numbers that they apply to.

    A plan may delete at most `max_deletes` objects, and at most `max_percent` percent of the `owned` objects. It
    may not leave the workspace without any object: `remaining` is the number that it owns after the plan. `exempt`
    are the addresses of the deletes that `spec.allowDeletes` lists, `counted` is the number of all others.
    `allowed` is the number of deletes that the user has allowed, which takes the place of all limits.
    """

    max_deletes: int = Field(ge=0)
    max_percent: int = Field(default=100, ge=0, le=100)
    owned: int = Field(default=0, ge=0)
    remaining: int = Field(default=0, ge=0)
    counted: int = Field(default=0, ge=0)
    exempt: tuple[str, ...] = ()
    allowed: int | None = Field(default=None, ge=0)

    def find_excess(self, allowed: int | None = None) -> str | None:
        """Return why the deletes are refused, None when they are not. `allowed` takes precedence over the plan's."""
        allowed = self.allowed if allowed is None else allowed
        count = f"{self.counted} delete{'' if self.counted == 1 else 's'}"
        if allowed is not None:
            return f"{count}, more than the {allowed} of --max-deletes" if self.counted > allowed else None
        if self.counted > self.max_deletes:
            return f"{count}, more than the limit of {self.max_deletes}"
        if self.owned >= MIN_OWNED_FOR_SHARE and self.counted * 100 > self.max_percent * self.owned:
            return f"{count}, more than {self.max_percent} percent of the {self.owned} objects that the workspace owns"
        if self.counted and not self.remaining and self.owned >= _MIN_OWNED_FOR_ALL:
            return f"{count}: everything that the workspace owns"
        return None
