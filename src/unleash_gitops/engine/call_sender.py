"""One call to the server, with what it stands for filled in: ids of this run, secrets of the environment.

It knows what may be sent twice, and looks before it repeats what may not.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unleash_gitops.model.errors import ApiError, MissingRoute, Unreachable

if TYPE_CHECKING:
    from unleash_gitops.api.client import Client
    from unleash_gitops.model.plan import Call, Lookup

__all__ = ["Sender", "secrets_of"]

_MOST_ATTEMPTS = 10
_FIRST_WAIT_BEFORE_VERIFYING = 0.5
"""Seconds for a server to finish a POST whose answer was lost, before a read verifies what the POST made."""
_LONGEST_WAIT_BEFORE_VERIFYING = 5.0
"""The wait doubles with each attempt, up to this many seconds."""


class Sender:
    """Sends the calls of one run; safe to use from many threads. `environ` is where secrets are.

    `hand_over` is told each secret that the server makes: the address of the object, and the secret.
    """

    def __init__(
        self,
        client: Client,
        environ: Mapping[str, str] | None = None,
        hand_over: Callable[[str, str], None] = lambda _address, _secret: None,
    ) -> None:
        self._client = client
        self._environ = os.environ if environ is None else environ
        self._hand_over = hand_over
        self._ids: dict[str, Any] = {}
        self._once: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def send(self, call: Call, address: str) -> None:
        """Send `call` of the change to `address`. Raises ServerError."""
        if not call.idempotent:
            self._send(call, address)
            return
        key = json.dumps([call.method, call.path, call.body], sort_keys=True)
        with self._lock:
            sent = self._once.get(key)
            mine = sent is None
            if sent is None:
                sent = self._once[key] = Future()
        if mine:
            try:
                self._send(call, address)
                sent.set_result(None)
            except BaseException as error:
                sent.set_exception(error)
                raise
        sent.result()

    def _send(self, call: Call, address: str) -> None:
        path = call.path
        if call.lookup is not None:
            found = self._look(call.lookup)
            if found is None:
                if call.method == "DELETE":
                    return
                raise ApiError(call.method, path, 404, None, "what is to be changed is not there any more")
            secret = str(found[call.lookup.field])
            self._client.hide(secret)
            path = path.replace("{found}", quote(secret, safe=""))
        try:
            answer = self._answer(call, path, self._fill(call.body))
        except MissingRoute:
            raise
        except ApiError as error:
            if call.method == "DELETE" and error.status == 404:
                return  # gone already: that is what was wanted
            if call.idempotent and error.status == 409:
                return  # there already: that is what was wanted
            raise
        self._note(call, address, answer)

    def _answer(self, call: Call, path: str, body: Any) -> Any:
        """Return the server's answer; of what may not be sent twice, what was made when the answer was lost."""
        attempts_left = _MOST_ATTEMPTS
        wait = _FIRST_WAIT_BEFORE_VERIFYING
        while True:
            try:
                return self._client.send(call.method, path, body, repeatable=call.repeatable)
            except (Unreachable, ApiError) as error:
                attempts_left -= 1
                if call.verify is None or not _lost(error) or not attempts_left or self._client.stop.wait(wait):
                    raise
            wait = min(2 * wait, _LONGEST_WAIT_BEFORE_VERIFYING)
            made = self._look(call.verify)
            if made is not None:
                return made

    def _look(self, find: Lookup) -> Any:
        """Return the object that `find` describes, None when it is not there."""
        try:
            answer = self._client.get(find.path)
        except ApiError as error:
            if error.status == 404 and not isinstance(error, MissingRoute):
                return None
            raise
        objects = [answer] if find.list_key == "" else answer if find.list_key is None else answer[find.list_key]
        known = [self._fill(one) for one in find.exclude_ids]
        match = self._fill(find.match)
        fits = (one for one in objects if one.get("id") not in known and _fits(one, match))
        return next(fits, None)

    def _note(self, call: Call, address: str, answer: Any) -> None:
        """Keep what the answer tells and later calls need, or people."""
        if not isinstance(answer, dict):
            return
        if call.id_label is not None and "id" in answer:
            self._ids[call.id_label] = answer["id"]
        if call.secret_field is not None and isinstance(answer.get(call.secret_field), str):
            self._client.hide(answer[call.secret_field])
            self._hand_over(address, answer[call.secret_field])

    def _fill(self, value: Any) -> Any:
        """Return `value` with what stands for an id or a secret replaced."""
        if isinstance(value, dict):
            if value.keys() == {"$id"} and value["$id"] in self._ids:
                return self._ids[value["$id"]]
            if value.keys() == {"fromEnv"}:
                secret = self._environ[value["fromEnv"]]
                self._client.hide(secret)
                return secret
            return {key: self._fill(inner) for key, inner in value.items()}
        return [self._fill(inner) for inner in value] if isinstance(value, list) else value


def secrets_of(calls: Iterable[Call]) -> set[str]:
    """Return the names of the environment's variables that `calls` need."""
    return {name for call in calls for name in _names(call.body)}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value.keys() == {"fromEnv"}:
        yield value["fromEnv"]
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _names(inner)


def _lost(error: Unreachable | ApiError) -> bool:
    """Tell whether the server may have done what it was asked for, in spite of the error."""
    return error.sent if isinstance(error, Unreachable) else error.status in {502, 503, 504}


def _fits(one: Any, match: dict[str, Any]) -> bool:
    return isinstance(one, dict) and all(_plain(one.get(key)) == _plain(value) for key, value in match.items())


def _plain(value: Any) -> Any:
    """Return `value` for comparing: numbers in a list are a set, for a server keeps them in its own order."""
    numbers = isinstance(value, list) and all(type(one) is int for one in value)
    return sorted(value) if numbers else value
