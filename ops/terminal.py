"""Signals, so that stopping is an ordinary end and not an accident."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_terminal_group() -> Iterator[None]:
    """Take the terminal over from make for the length of a block.

    Ctrl-C would otherwise reach make as well, which then reports an error for a clean stop. Without a
    terminal (CI, a service manager), or when started without make, nothing changes.
    """
    previous = os.getpgrp()
    if not sys.stdin.isatty() or os.tcgetpgrp(0) != previous or previous == os.getpid():
        yield
        return
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # giving the terminal back from the background
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # Ctrl-Z would stop us and leave make waiting
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(0, previous)


@contextmanager
def undisturbed() -> Iterator[None]:
    """No second Ctrl-C interrupts the block: for stopping, which must finish."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {name: signal.signal(name, signal.SIG_IGN) for name in names}
    try:
        yield
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)
