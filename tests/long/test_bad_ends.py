"""Long runs of applies that end badly: faults in one of three answers, and processes that are killed."""

from __future__ import annotations

import random

import pytest

from acceptance.conftest import Space, fake, fake_space  # noqa: F401
from acceptance.test_bad_ends import apply_with_faults, kill_and_converge


@pytest.mark.parametrize("seed", range(60))
def test_one_of_three_answers_is_a_fault(fake_space: Space, seed: int) -> None:  # noqa: F811
    apply_with_faults(fake_space, seed)


@pytest.mark.parametrize("seed", range(30))
def test_a_killed_run_leaves_nothing_twice(fake_space: Space, seed: int) -> None:  # noqa: F811
    kill_and_converge(fake_space, random.Random(seed))
