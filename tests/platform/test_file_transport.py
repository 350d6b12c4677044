"""The embedded broker: whole messages, in order, once, and no garbage that stops a worker."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from statusplatform.file_transport import Channel, Transport


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with Connection(transport=Transport, transport_options={"folder": str(tmp_path / "b")}) as made:
        yield made


@pytest.fixture
def channel(connection: Connection) -> Channel:
    return connection.channel()


def send(channel: Channel, body: Any, queue: str = "q") -> None:
    message = channel.prepare_message(
        json.dumps(body), content_type="application/json", content_encoding="utf-8"
    )
    channel.basic_publish(message, exchange="", routing_key=queue)


def receive(channel: Channel, queue: str = "q") -> Any:
    return json.loads(channel.basic_get(queue, no_ack=True).body)


def folder(channel: Channel, queue: str = "q") -> Path:
    return Path(channel.connection.client.transport_options["folder"]) / queue


def test_messages_arrive_in_the_order_they_were_sent(channel: Channel) -> None:
    for number in range(20):
        send(channel, number)

    received = [receive(channel) for _ in range(20)]

    assert received == list(range(20))


def test_a_message_is_taken_once(channel: Channel, connection: Connection) -> None:
    for number in range(200):
        send(channel, number)
    taken: list[int] = []

    def take_all() -> None:
        own = connection.clone().channel()
        while (message := own.basic_get("q", no_ack=True)) is not None:
            taken.append(json.loads(message.body))

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == list(range(200))


def test_queues_are_apart(channel: Channel) -> None:
    send(channel, "here", queue="checks.default")
    send(channel, "there", queue="checks.default.more")

    assert channel.queue_declare("checks.default").message_count == 1
    assert receive(channel, "checks.default.more") == "there"


def test_a_file_that_is_being_written_is_not_seen(channel: Channel) -> None:
    send(channel, "whole")
    (folder(channel) / ".unfinished").write_text('{"body": "ha')

    received = receive(channel)

    assert received == "whole"
    with pytest.raises(Empty):
        channel._get("q")


def test_no_reader_sees_half_a_message(channel: Channel) -> None:
    body = "x" * 200_000
    broken: list[Path] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for path in list(folder(channel).glob("*.msg")):
                if path.stat().st_size < len(body):
                    broken.append(path)

    send(channel, body)
    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(50):
        send(channel, body)
    done.set()
    watcher.join()

    assert broken == []


GARBAGE = {
    "empty": b"",
    "half": b'{"body": "e30=", "prop',
    "not json": b"\x00\xff\xfe",
    "a list": b"[]",
    "no properties": b'{"body": "e30="}',
    "a body that is not base64": json.dumps(
        {
            "body": "a",
            "headers": {},
            "properties": {
                "delivery_tag": "1",
                "body_encoding": "base64",
                "delivery_info": {"exchange": "", "routing_key": "q"},
            },
        }
    ).encode(),
    "no delivery info": json.dumps(
        {"body": "e30=", "headers": {}, "properties": {"delivery_tag": "1"}}
    ).encode(),
    "deeply nested": b"[" * 100_000,
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_cannot_be_read_is_dropped_with_a_log_line(
    channel: Channel, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    send(channel, "after")
    (folder(channel) / "0-garbage.msg").write_bytes(content)

    received = receive(channel)

    assert received == "after"
    assert "message dropped" in caplog.text
    assert os.listdir(folder(channel)) == []


def test_a_message_that_vanishes_is_passed_over(channel: Channel) -> None:
    send(channel, 1)
    send(channel, 2)
    send(channel, 3)
    assert receive(channel) == 1
    sorted(folder(channel).glob("*.msg"))[0].unlink()

    received = receive(channel)

    assert received == 3


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden", "nul\0"])
def test_a_queue_name_cannot_leave_the_folder(channel: Channel, name: str) -> None:
    with pytest.raises(ChannelError):
        channel._put(name, {})


def test_only_the_owner_can_send(channel: Channel) -> None:
    send(channel, 1)

    modes = [folder(channel).parent.stat().st_mode & 0o777, folder(channel).stat().st_mode & 0o777]

    assert modes == [0o700, 0o700]


def test_purging_removes_what_waits(channel: Channel) -> None:
    send(channel, 1)
    send(channel, 2)

    purged = channel.queue_purge("q")

    assert (purged, channel.queue_declare("q").message_count) == (2, 0)


def test_an_unacknowledged_message_goes_back_at_shutdown(connection: Connection) -> None:
    channel = connection.channel()
    send(channel, "again")
    channel.basic_get("q")

    channel.close()

    assert receive(connection.channel()) == "again"
