"""Secrets in text: masked wherever they occur, short ones only where they are a whole string."""

from __future__ import annotations

import sys
import threading

import pytest

from unleash_gitops.api.redaction import Redactor


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("s3cret-token", "POST with s3cret-token: 400", "POST with ***: 400"),
        ("s3cret-token", "prefix-s3cret-token-suffix", "prefix-***-suffix"),
        ("a b/c?d=e&f", "GET /x/a%20b%2Fc%3Fd%3De%26f", "GET /x/***"),
        ('quoted"secret', r'{"url": "quoted\"secret"}', '{"url": "***"}'),
        ("https://hooks.example.com/T0/B1", "getaddrinfo ENOTFOUND hooks.example.com", "getaddrinfo ENOTFOUND ***"),
        ("prod", "GET /api/admin/projects/prod: production is not reproducible", None),
        ("prod", 'parameters.key: "prod" is not allowed', 'parameters.key: "***" is not allowed'),
        ("prod", "'prod' and `prod`, but not \"products\"", "'***' and `***`, but not \"products\""),
        ("prod", r"the body {\"key\":\"prod\"} is wrong", r"the body {\"key\":\"***\"} is wrong"),
        ("e", "The server refuses the request", None),
        ("", "nothing to mask", None),
    ],
)
def test_a_secret_is_masked_and_ordinary_text_is_not(secret: str, text: str, expected: str | None) -> None:
    assert Redactor(secret).redact(text) == (text if expected is None else expected)


def test_a_secret_that_begins_with_another_is_masked_whole() -> None:
    assert Redactor("secret-1234", "secret-1234-longer").redact("secret-1234-longer secret-1234") == "*** ***"


def test_a_secret_added_later_is_masked() -> None:
    redactor = Redactor("first-secret")
    assert redactor.redact("first-secret second-secret") == "*** second-secret"
    redactor.hide("second-secret")
    assert redactor.redact("first-secret second-secret") == "*** ***"


def test_no_secret_is_lost_when_many_threads_add_some() -> None:
    redactor = Redactor()
    secrets = [[f"secret-{thread:02d}-{number:03d}" for number in range(200)] for thread in range(8)]
    start = threading.Barrier(len(secrets))

    def add(own: list[str]) -> None:
        start.wait()
        for secret in own:
            redactor.hide(secret)

    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=add, args=(own,)) for own in secrets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch_interval)
    every_secret = [secret for own in secrets for secret in own]
    assert redactor.redact(" ".join(every_secret)) == " ".join(["***"] * len(every_secret))
