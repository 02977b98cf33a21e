"""A pytest plugin for sunpy's own tests: its HEK client and VOEvents ask the server at SUNPY_ASKS."""

import os
import sys

from sunpy.net.hek.hek import HEKClient, HEKRow


def pytest_configure(config):
    """Bind the address where sunpy binds its own: as the default of arguments."""
    url = os.environ["SUNPY_ASKS"]
    HEKClient.__init__.__defaults__ = (url,)
    HEKRow.get_voevent.__defaults__ = (True, url)
    config.addinivalue_line("markers", "remote_data: asks a server, here ours")


def pytest_collection_finish():
    """Else sunpy skips all that asks a server, unless a plugin is there that allows the whole Internet."""
    sys.modules["sunpy.conftest"].HAVE_REMOTEDATA = True
