"""What is kept of many runs: counts, sums and a histogram, from which percentiles are read. Pure.

Tallies merge: hours into a day, locations into a monitor, in any order and grouping, and always to the same. The
histogram is HdrHistogram's log-linear one: response times below 64 ms have a bucket each, and from there on
each power of two has 32. A percentile is therefore off by at most 1/64 of itself, less than 1.6 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apps.monitors.policy import Result

_EXACT_BITS = 6
_STEP_BITS = _EXACT_BITS - 1
_STEPS = 1 << _STEP_BITS

Buckets = Mapping[int, int]
"""{bucket: how many response times fell into it}."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Runs of a stretch of time. Times in milliseconds, of passed and failed runs that were answered.

    `timed` counts those; `lowest_ms` and `highest_ms` are None without any.
    """

    passed: int = 0
    failed: int = 0
    error: int = 0
    timed: int = 0
    sum_ms: int = 0
    lowest_ms: int | None = None
    highest_ms: int | None = None
    buckets: Buckets = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.passed + self.failed + self.error

    @property
    def average_ms(self) -> float | None:
        return self.sum_ms / self.timed if self.timed else None

    @property
    def passed_share(self) -> float | None:
        """The part of the runs that said something (0 to 1); errors say nothing."""
        said = self.passed + self.failed
        return self.passed / said if said else None

    def percentile_ms(self, percent: float) -> float | None:
        """Return the response time that `percent` of the runs do not exceed (nearest rank); None without any."""
        if not self.timed or self.lowest_ms is None or self.highest_ms is None:
            return None
        rank = max(1, -int(-percent * self.timed // 100))
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(max(middle_of(bucket), self.lowest_ms), self.highest_ms)
        return float(self.highest_ms)


def bucket_of(milliseconds: int) -> int:
    """Return the bucket of a response time, which is not negative."""
    shift = max(0, milliseconds.bit_length() - _EXACT_BITS)
    return (shift << _STEP_BITS) + (milliseconds >> shift)


def middle_of(bucket: int) -> float:
    """Return the time that stands for those of a bucket: the middle between its lowest and its highest."""
    shift = max(0, (bucket >> _STEP_BITS) - 1)
    lowest = (bucket - (shift << _STEP_BITS)) << shift
    return lowest + ((1 << shift) - 1) / 2


def tally(runs: Iterable[tuple[Result, int | None, int]]) -> Tally:
    """Return the tally of (result, response time, how many of these)."""
    counts = {"passed": 0, "failed": 0, "error": 0}
    buckets: dict[int, int] = {}
    timed = total = 0
    lowest: int | None = None
    highest: int | None = None
    for result, time_ms, number in runs:
        counts[result] += number
        if time_ms is None or result == "error":
            continue
        timed += number
        total += time_ms * number
        lowest = time_ms if lowest is None or time_ms < lowest else lowest
        highest = time_ms if highest is None or time_ms > highest else highest
        bucket = bucket_of(time_ms)
        buckets[bucket] = buckets.get(bucket, 0) + number
    return Tally(
        counts["passed"], counts["failed"], counts["error"], timed, total, lowest, highest, buckets
    )


def merge(tallies: Iterable[Tally]) -> Tally:
    """Return the tally of all the runs of all of them."""
    parts = list(tallies)
    buckets: dict[int, int] = {}
    for part in parts:
        for bucket, number in part.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + number
    return Tally(
        passed=sum(part.passed for part in parts),
        failed=sum(part.failed for part in parts),
        error=sum(part.error for part in parts),
        timed=sum(part.timed for part in parts),
        sum_ms=sum(part.sum_ms for part in parts),
        lowest_ms=min((p.lowest_ms for p in parts if p.lowest_ms is not None), default=None),
        highest_ms=max((p.highest_ms for p in parts if p.highest_ms is not None), default=None),
        buckets=buckets,
    )


def pack(buckets: Buckets) -> bytes:
    """Return the buckets as bytes: steps between buckets and counts in turn, seven bits a byte (LEB128)."""
    packed = bytearray()
    before = 0
    for bucket in sorted(buckets):
        for number in (bucket - before, buckets[bucket]):
            rest = number
            while rest > 0x7F:
                packed.append(rest & 0x7F | 0x80)
                rest >>= 7
            packed.append(rest)
        before = bucket
    return bytes(packed)


def unpack(packed: bytes) -> dict[int, int]:
    """Return what `pack` packed."""
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            numbers.append(number)
            number = shift = 0
    buckets: dict[int, int] = {}
    at = 0
    for step, count in zip(numbers[::2], numbers[1::2], strict=True):
        at += step
        buckets[at] = count
    return buckets
