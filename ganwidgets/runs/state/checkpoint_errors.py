"""Conversion of errors from a damaged file or folder to `CheckpointError`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from traitlets import TraitError

from ganwidgets.errors import CheckpointError
from ganwidgets.messages import Message

__all__ = ["sound"]


@contextmanager
def sound(path: str | os.PathLike[str]) -> Iterator[None]:
    """Context: convert every error caused by the content of `path` to a `CheckpointError`.

    Any kind of exception may come of forged values, memory that is exhausted among them.
    """
    try:
        yield
    except (CheckpointError, Warning):  # a warning that the user made an error stays one
        raise
    except (
        TraitError
    ) as error:  # names the setting and the remedy, such as a registration that is missing here
        raise CheckpointError(
            Message("{path} does not match what was passed: {error}", path=str(path), error=error.args[0])
        ) from error
    except Exception as error:
        raise CheckpointError(
            Message(
                "{path} is damaged, or does not match what was passed: what is in it does not fit together "
                "({reason}); use an older copy",
                path=str(path),
                reason=f"{type(error).__name__}: {error}",
            )
        ) from error
