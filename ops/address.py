"""Where the web process listens, and what an operator opens in a browser."""

import os

from ops.console import Failure
from ops.state import is_free

DEFAULT = "127.0.0.1:8000"
# A week of the demo month, so that the first click shows something.
PAGES = {
    "explorer": "/",
    "admin": "/admin/",
    "API, documented": "/api/v1/docs/",
    "events": "/api/v1/events",
    "ISD API": (
        "/api/query/temporal?starttime=2014-01-01T00:00:00&endtime=2014-01-08T00:00:00"
        "&tablenames=ar&sortby=event_starttime&limit=10&offset=0&predicate=Overlaps"
    ),
}


def bind_address() -> str:
    """ISD_BIND, or our default: this machine only."""
    return os.environ.get("ISD_BIND") or DEFAULT


def split(address: str) -> tuple[str, int]:
    """Host and port of an address such as 127.0.0.1:8000 or [::1]:8000."""
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdigit()):
        raise Failure(f"ISD_BIND={address} is not of the form host:port")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what gunicorn makes of a missing host


def require_free() -> None:
    """Refuse to start beside another server on our port, which would otherwise look like ours."""
    address = bind_address()
    host, port = split(address)
    if not is_free(port, host):
        raise Failure(
            f"{address} is taken by another program; stop that, or: ISD_BIND=127.0.0.1:{port + 1} make run"
        )


def simulator_url(port: int) -> str:
    """Where the simulator that `make run` starts answers."""
    return f"http://127.0.0.1:{port}/hek/her"


def local_url(path: str = "/") -> str:
    """The address of a page as seen from this machine."""
    host, port = split(bind_address())
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104
    return f"http://{shown}:{port}{path}"
