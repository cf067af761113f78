"""Sends a call of a plan, with its fills: ids of this run, secrets of the environment.

Before it repeats a call that may not be sent twice, it looks for the object that the first one created.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.api.answers import read_entries
from unleash_gitops.engine.claims import confirm_claim, require_unclaimed
from unleash_gitops.model.call import write_values
from unleash_gitops.model.change_errors import LeaseLost
from unleash_gitops.model.errors import ApiError, MissingRoute, NotUnleash, UnexpectedAnswer, Unreachable

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.model.call import Call, Fill, Lookup

__all__ = ["Sender"]

_MOST_ATTEMPTS = 10
_CONCURRENT_CREATE_FAILURE = 500
"""The status of an idempotent create when another client creates the same object at the same time."""
_FIRST_WAIT_BEFORE_VERIFYING = 0.5
"""Seconds for a server to finish a POST whose answer was lost, before a read verifies what the POST made."""
_LONGEST_WAIT_BEFORE_VERIFYING = 5.0
"""The wait doubles with each attempt, up to this many seconds."""
_POLL = 0.2
"""Seconds between two reads of what a call waits for."""


class Sender:
    """Sends the calls of one run; safe to use from many threads. `environ` has the secrets that calls need.

    `hand_over` receives each secret that the server generates: the address of the object, and the secret. `halt` is
    asked before each request that changes something, and returns why it may not be sent, None when it may.
    """

    def __init__(
        self,
        client: Client,
        environ: Mapping[str, str] | None = None,
        hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
        halt: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._client = client
        self._halt = halt
        self._environ = os.environ if environ is None else environ
        self._hand_over = hand_over
        self._ids: dict[str, Any] = {}
        self._sendings: dict[str, tuple[Future[None], str]] = {}
        self._attempted: set[str] = set()
        self._lock = threading.Lock()

    def send(self, call: Call, address: str) -> None:
        """Send `call` of the change to `address`. Raises ServerError, LeaseLost when it may not be sent."""
        if not call.idempotent:
            self._send(call, address)
            return
        key = json.dumps([call.method, call.path, call.body, [fill.as_json() for fill in call.fills]], sort_keys=True)
        with self._lock:
            is_first = key not in self._sendings
            sending, first = self._sendings.setdefault(key, (Future(), address))
        if is_first:
            try:
                self._send(call, address)
                sending.set_result(None)
            except BaseException as error:
                sending.set_exception(error)
                raise
        try:
            sending.result()
        finally:
            if first in self._attempted:
                self._attempted.add(address)

    def has_attempted(self, address: str) -> bool:
        """Tell whether any request that changes something was sent of the change to `address`, with any answer."""
        return address in self._attempted

    def wait_for(self, lookup: Lookup, deadline: float) -> bool:
        """Wait until the server shows the object that `lookup` describes, at most until `deadline` (monotonic).

        Return False when the run is stopped before that. A server that cannot answer the look-up is waited for until
        the deadline.
        """
        while time.monotonic() < deadline:
            try:
                if self._look_up(lookup) is not None:
                    return True
            except ApiError as error:
                if isinstance(error, MissingRoute):
                    return True  # a server without the route does not process what is waited for
            if self._client.stop.wait(_POLL):
                return False
        return True

    def _send(self, call: Call, address: str) -> None:
        if call.claim is None:
            self._send_once(call, address)
            return
        require_unclaimed(call.claim, self._client.get)
        self._send_once(call, address)
        confirm_claim(call.claim, self._client.get, lambda: self._withdraw(call, address))

    def _withdraw(self, call: Call, address: str) -> None:
        """Take back the tag that a call has put on a flag."""
        body = {"addedTags": [], "removedTags": call.body["addedTags"]}
        self._write(call.method, call.path, body, address, repeatable=True)

    def _send_once(self, call: Call, address: str, *, is_repeated: bool = False) -> None:
        path = call.path
        if call.lookup is not None:
            target = self._look_up(call.lookup)
            if target is None:
                if call.method == "DELETE":
                    return
                raise ApiError(call.method, path, 404, None, "the object to change no longer exists")
            if not isinstance(target.get(call.lookup.field), str | int):
                raise UnexpectedAnswer("GET", call.lookup.path, f"the answer has no {call.lookup.field}")
            secret = str(target[call.lookup.field])
            self._client.hide(secret)
            path = path.replace("{found}", quote(secret, safe=""))
        try:
            answer = self._answer(call, path, self._fill(call.body, call.fills, call), address)
        except MissingRoute:
            raise
        except ApiError as error:
            if call.method == "DELETE" and error.status == 404:
                return  # deleted already
            if call.idempotent and error.status == 409:
                return  # created already
            if not call.idempotent or error.status != _CONCURRENT_CREATE_FAILURE or is_repeated:
                raise
            self._send_once(call, address, is_repeated=True)
            return
        self._note(call, address, answer)

    def _answer(self, call: Call, path: str, body: Any, address: str) -> Any:
        """Return the server's answer, or, when the answer was lost, the object that the call created."""
        attempts_left = _MOST_ATTEMPTS
        wait = _FIRST_WAIT_BEFORE_VERIFYING
        while True:
            try:
                return self._write(call.method, path, body, address, repeatable=call.repeatable)
            except (Unreachable, ApiError) as error:
                attempts_left -= 1
                if call.verify is None or not _lost(error) or not attempts_left or self._client.stop.wait(wait):
                    raise
            wait = min(2 * wait, _LONGEST_WAIT_BEFORE_VERIFYING)
            created = self._look_up(call.verify)
            if created is not None:
                return created

    def _write(self, method: str, path: str, body: Any, address: str, *, repeatable: bool) -> Any:
        """Send a request that changes something, and each repetition of it, only as long as the run may."""
        attempts = 0

        def require_permission() -> None:
            nonlocal attempts
            reason = self._halt()
            if reason is not None:
                raise LeaseLost(method, path, reason)
            attempts += 1

        try:
            return self._client.send(method, path, body, repeatable=repeatable, before_attempt=require_permission)
        except Unreachable as error:
            if attempts == 1 and not error.sent:
                attempts = 0  # no connection was made
            raise
        finally:
            if attempts:
                self._attempted.add(address)

    def _look_up(self, lookup: Lookup) -> Any:
        """Return the object that `lookup` describes, None when there is none."""
        try:
            answer = self._client.get(lookup.path)
        except ApiError as error:
            if error.status == 404 and not isinstance(error, MissingRoute):
                return None
            raise
        objects = [answer] if lookup.list_key == "" else read_entries(answer, lookup.list_key, lookup.path)
        created_ids = [self._ids[label] for label in lookup.exclude_labels if label in self._ids]
        excluded = [*lookup.exclude_ids, *created_ids]
        match = self._fill(lookup.match, lookup.fills, lookup)
        matches = (entry for entry in objects if _fits(entry, match) and entry.get("id") not in excluded)
        return next(matches, None)

    def _note(self, call: Call, address: str, answer: Any) -> None:
        """Keep the id that later calls need, and hand over the secret that the server generated."""
        if not isinstance(answer, dict):
            return
        if call.id_label is not None and "id" in answer:
            self._ids[call.id_label] = answer["id"]
        if call.secret_field is not None and isinstance(answer.get(call.secret_field), str):
            self._client.hide(answer[call.secret_field])
            self._hand_over(address, answer[call.secret_field])

    def _fill(self, content: Any, fills: Sequence[Fill], request: Call | Lookup) -> Any:
        """Return `content` with the value of each fill at its place. `request` is what it belongs to."""
        return write_values(content, {fill.path: self._value_of(fill, request) for fill in fills})

    def _value_of(self, fill: Fill, request: Call | Lookup) -> Any:
        if fill.env is not None:
            secret = self._environ[fill.env]
            self._client.hide(secret)
            return secret
        if fill.id_of not in self._ids:
            method = getattr(request, "method", "GET")
            raise NotUnleash(method, request.path, f"not sent: the server returned no id for {fill.id_of}")
        return self._ids[fill.id_of]


def _lost(error: Unreachable | ApiError) -> bool:
    """Tell whether the server may have processed the request in spite of the error."""
    return error.sent if isinstance(error, Unreachable) else error.status in {502, 503, 504}


def _fits(entry: Any, match: dict[str, Any]) -> bool:
    return isinstance(entry, dict) and all(
        _sort_numbers(entry.get(key)) == _sort_numbers(value) for key, value in match.items()
    )


def _sort_numbers(value: Any) -> Any:
    """Return a list of numbers sorted, since the server keeps them in its own order; any other value unchanged."""
    is_numbers = isinstance(value, list) and all(type(number) is int for number in value)
    return sorted(value) if is_numbers else value
