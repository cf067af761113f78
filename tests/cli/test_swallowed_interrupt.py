"""An interrupt whose exception Python loses still stops the run before its first write."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from unleash_gitops.cli.connection import interruptible
from unleash_gitops.model.interrupts import raise_on_interrupt


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    raise_on_interrupt()
    yield
    raise_on_interrupt()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_lost_interrupt_is_raised_again_before_anything_is_sent(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)  # a callback of an import would lose this one
    with pytest.raises(KeyboardInterrupt), interruptible(lambda: None):
        pytest.fail("the block may not run")


def test_without_an_interrupt_the_block_runs() -> None:
    with interruptible(lambda: None) as is_interrupted:
        assert not is_interrupted()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_ignored_as_under_nohup_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise_on_interrupt()
    with interruptible(lambda: pytest.fail("the run may not stop")) as is_interrupted:
        signal.raise_signal(number)
        assert not is_interrupted()
    assert signal.getsignal(number) is signal.SIG_IGN
