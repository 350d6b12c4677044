"""A Celery transport whose queues are folders: the broker of the embedded default.

It differs from kombu's own file transport where that one fails: a message is written to a hidden
temporary file and appears by one rename, so no reader sees half of it (an empty file kills kombu's
worker); a message that cannot be read is dropped with a log line; a queue is a folder of its own,
listed once for all that it holds. Messages are wake-up calls: one that is lost or doubled does no
harm (see docs/architecture.md). Queues are addressed directly, by routing key; there is no fan-out.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections import deque
from logging import getLogger
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import virtual

logger = getLogger(__name__)

SUFFIX = ".msg"
QUEUE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class Channel(virtual.Channel):  # type: ignore[misc]  # kombu ships no types
    """A channel whose queues are folders and whose messages are whole files, oldest first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listed: dict[str, deque[str]] = {}

    def _queue_dir(self, queue: str) -> Path:
        # Names come from messages too: none may lead out of the folder.
        if not QUEUE_NAME.fullmatch(queue):
            raise ChannelError(f"not a queue name: {queue!r}")
        return Path(self.connection.client.transport_options["folder"]) / queue

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        return [routing_key]

    def _names(self, queue: str) -> list[str]:
        try:
            names = os.listdir(self._queue_dir(queue))
        except FileNotFoundError:
            return []
        return sorted(name for name in names if name.endswith(SUFFIX))

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:
        folder = self._queue_dir(queue)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        temporary = folder / f".{name}"
        content = json.dumps(payload)
        try:
            try:
                temporary.write_text(content, encoding="utf-8")
            except FileNotFoundError:
                # Whoever can write a message can start a task: the owner only.
                folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder.mkdir(exist_ok=True, mode=0o700)
                temporary.write_text(content, encoding="utf-8")
            temporary.rename(folder / f"{name}{SUFFIX}")
        except OSError as error:
            raise ChannelError(f"cannot write a message into {folder}") from error

    def _get(self, queue: str) -> dict[str, Any]:
        """Return the oldest message. Raises Empty.

        A folder is listed once for all that it holds: listing it for each message is quadratic.
        """
        listed = self._listed.get(queue)
        if not listed:
            listed = self._listed[queue] = deque(self._names(queue))
        folder = self._queue_dir(queue)
        while listed:
            payload = self._claim(folder / listed.popleft())
            if payload is not None:
                return payload
        raise Empty

    def _claim(self, path: Path) -> dict[str, Any] | None:
        """Take a message away and return it; None when another was first or it makes no sense."""
        # Whoever renames it owns it.
        claimed = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.rename(claimed)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("message not readable path=%s error=%s", path, error.strerror)
            return None
        try:
            payload = json.loads(claimed.read_bytes())
            # What the consumer would trip over is found here, where it can be dropped.
            message = self.message_to_python(payload)
            message.delivery_info["exchange"], message.delivery_info["routing_key"]
            dict(message.headers)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            logger.warning("message dropped: not readable path=%s", path)
            return None
        else:
            return dict(payload)
        finally:
            _remove(claimed)

    def _size(self, queue: str) -> int:
        return len(self._names(queue))

    def _purge(self, queue: str) -> int:
        folder = self._queue_dir(queue)
        return sum(_remove(folder / name) for name in self._names(queue))


def _remove(path: Path) -> bool:
    """Remove a file or what stands in its place; false when it was gone."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        logger.warning("message file not removed path=%s error=%s", path, error.strerror)
        return False
    return True


class Transport(virtual.Transport):  # type: ignore[misc]  # kombu ships no types
    """The transport behind the broker address `filesystem://`.

    Options: `folder` (where the queues are) and `polling_interval` (seconds).
    """

    Channel = Channel
    global_state = virtual.BrokerState()
    implements = virtual.Transport.implements.extend(
        asynchronous=False, exchange_type=frozenset(["direct"])
    )
    default_port = 0
    driver_type = driver_name = "filesystem"
    default_connection_params = {"hostname": "localhost", "port": 0}

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        """Return what kombu logs as the driver's version."""
        return "1"
