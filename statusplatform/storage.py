"""Static files: hashed names, compressed once."""

from __future__ import annotations

from typing import Any

import brotli
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

BROTLI_LEVEL = 5


class QuickCompressor(Compressor):  # type: ignore[misc]  # WhiteNoise ships no types
    """Brotli at a middle level: the highest takes most of a first start, for a few per cent."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """Return the compressed bytes."""
        return bytes(brotli.compress(data, quality=BROTLI_LEVEL))


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """The storage behind {% static %}."""

    def create_compressor(self, **kwargs: Any) -> QuickCompressor:
        """Return what makes the .gz and .br beside each file."""
        return QuickCompressor(**kwargs)
