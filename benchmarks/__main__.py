"""`python -m benchmarks [read] [hek] [ingest]`: measure against DATABASE_URL and write docs/benchmarks.md."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isd.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after django.setup()
from django.core.management import call_command  # noqa: E402

from benchmarks import dataset, hek, ingest, read, report  # noqa: E402


def main(parts: list[str]) -> None:
    """Run the named parts, or all."""
    call_command("migrate", verbosity=0)
    dataset.load()
    sections = {}
    if not parts or "read" in parts:
        sections["reading"] = report.reading(read.run(_dsn()))
    if not parts or "hek" in parts:
        sections["hek"] = hek.table(hek.run(_dsn()))
    if not parts or "ingest" in parts:
        sections["ingest"] = ingest.table(ingest.run(settings.BASE_DIR / "var" / "bench"))
    report.write(sections)
    print(f"written: {report.PAGE.relative_to(settings.BASE_DIR)}")


def _dsn() -> str:
    return os.environ["DATABASE_URL"].replace("postgis://", "postgresql://", 1)


if __name__ == "__main__":
    main(sys.argv[1:])
