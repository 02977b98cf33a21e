"""How the commands of the image ingest follow what the workers do."""

from collections import Counter
from collections.abc import Callable, Sequence

from django.core.management.base import CommandError

from ingest import accounts, image_books
from ingest.management.reporting import account_line, watch
from ingest.models import ImageRun
from ingest.queries import OPEN


def follow_images(runs: Sequence[ImageRun], say: Callable[[str], object]) -> list[ImageRun]:
    """Tell how these runs come on until none is left to wait for; as they are then."""
    ordered = ImageRun.objects.filter(pk__in=[run.pk for run in runs]).order_by("pk")
    return watch(lambda: list(ordered.all()), _line, lambda now: not _open(now), say)


def _line(now: Sequence[ImageRun]) -> str:
    return f"{len(now) - _open(now)} of {len(now)} runs; {account_line(_total(now))}"


def _open(now: Sequence[ImageRun]) -> int:
    return sum(run.state in OPEN for run in now)


def end_of_images(runs: Sequence[ImageRun], done: Sequence[ImageRun]) -> str:
    """The last line of followed runs. Raises CommandError if one failed, or was removed meanwhile."""
    if len(done) < len(runs):
        raise CommandError(f"{len(runs) - len(done)} of {len(runs)} runs were removed from the books")
    failed = [run for run in done if run.state == ImageRun.State.FAILED]
    if failed:
        raise CommandError(
            f"{len(failed)} of {len(done)} runs failed ({account_line(_total(done))});"
            f" the first, {image_books.describe(failed[0])}: {failed[0].error}"
        )
    return account_line(_total(done))


def _total(runs: Sequence[ImageRun]) -> dict[str, int]:
    total: Counter[str] = Counter(received=0, created=0, updated=0, unchanged=0, quarantined=0)
    for run in runs:
        total.update(accounts.account(run))
    return total
