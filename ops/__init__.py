"""Starting, stopping and testing the system: what stands behind each target of the Makefile.

Rule of this package: pure standard library, so that it runs on a bare Debian before the virtual
environment exists. The one exception is `ops.supervisor`, which is imported inside that environment.
"""

import sys

# Before anything newer is imported, so that this line is what one sees.
if sys.version_info < (3, 11):  # noqa: UP036 - the check itself
    sys.exit("isd: Python 3.11 or newer is needed, this is " + sys.version.split()[0])
