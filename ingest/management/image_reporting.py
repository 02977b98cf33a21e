"""How the commands of the image ingest follow what the workers do."""

from collections.abc import Callable, Sequence

from django.core.management.base import CommandError

from ingest import image_books
from ingest.management.reporting import account_line, watch
from ingest.models import ImageRun
from ingest.queries import Progress, image_runs, progress


def follow_images(runs: Sequence[ImageRun], say: Callable[[str], object]) -> Progress:
    """Tell how these runs come on until none is left to wait for; how they stand then."""
    ordered = image_runs(run.pk for run in runs)
    return watch(lambda: progress(ordered.all()), _line, lambda now: now.is_over, say)


def _line(now: Progress) -> str:
    return f"{now.succeeded + now.failed} of {now.total} runs; {account_line(now.account)}"


def end_of_images(runs: Sequence[ImageRun], done: Progress) -> str:
    """The last line of followed runs. Raises CommandError if one failed, or was removed meanwhile."""
    if done.total < len(runs):
        raise CommandError(f"{len(runs) - done.total} of {len(runs)} runs were removed from the books")
    failed = image_runs(run.pk for run in runs).filter(state=ImageRun.State.FAILED).order_by("pk").first()
    if failed is not None:
        raise CommandError(
            f"{done.failed} of {done.total} runs failed ({account_line(done.account)});"
            f" the first, {image_books.describe(failed)}: {failed.error}"
        )
    return account_line(done.account)
