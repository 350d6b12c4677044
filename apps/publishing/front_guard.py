"""The application behind the front, let in only while threads are left over for readers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator

from apps.publishing.front_answers import Environ, StartResponse, WSGIApp, busy, failed

logger = logging.getLogger(__name__)


class Guarded:
    """The application behind a semaphore that is taken without waiting, loaded by the first who needs it.

    Whatever the application hangs on, at most `limit` threads hang with it; everyone else is asked to come
    back in a moment, and readers still have the threads that are left. One that does not load, or that raises,
    is logged and answered with 500: the server would say nothing in either place.
    """

    def __init__(self, load: Callable[[], WSGIApp], *, limit: int) -> None:
        self._load = load
        self._application: WSGIApp | None = None
        self._loading = threading.Lock()
        self._places = threading.BoundedSemaphore(limit)

    def load(self) -> WSGIApp:
        """Load the application now, so that the first request need not wait."""
        with self._loading:
            if self._application is None:
                self._application = self._load()
            return self._application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not self._places.acquire(blocking=False):
            return busy("The service is busy.", environ, start_response)
        is_held = True
        try:
            try:
                application = self._application or self.load()
                response = application(environ, start_response)
            except Exception:
                logger.exception("request failed path=%s", environ.get("PATH_INFO", ""))
                return failed(environ, start_response)
            if isinstance(response, list):
                return response
            if getattr(response, "streaming", True):
                is_held = False
                return _Streamed(response, self._places)
            try:
                return list(response)
            finally:
                # This sends Django's request_finished, in the thread that has the connections.
                getattr(response, "close", lambda: None)()
        finally:
            if is_held:
                self._places.release()


class _Streamed:
    """A response that keeps its place until it is read or dropped."""

    def __init__(self, response: Iterable[bytes], places: threading.Semaphore) -> None:
        self._response = response
        self._places: threading.Semaphore | None = places

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response
        finally:
            self.close()

    def close(self) -> None:
        places, self._places = self._places, None
        if places is None:
            return
        try:
            getattr(self._response, "close", lambda: None)()
        finally:
            places.release()

    def __del__(self) -> None:
        self.close()
