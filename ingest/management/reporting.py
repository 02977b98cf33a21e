"""How the ingest commands talk: progress on stderr, the account on stdout, one line for what went wrong."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import django.db
from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.domain.criteria import TimeWindow
from events.domain.vocabulary import EVENT_TYPES
from images.domain.slots import wave_of
from ingest import accounts, books
from ingest.chains import Changes
from ingest.interpolate import Made
from ingest.models import Backfill, IngestRun
from ingest.queries import Progress, progress
from ingest.sources.base import SourceError
from ingest.track import Piece

_Seen = TypeVar("_Seen")
#: Seconds between two looks at the books, and without a change until we wonder aloud whether anybody works.
LOOK, WONDER = 1.0, 30.0


class IngestCommand(BaseCommand):
    """A command whose help is its module's own text, line breaks and all."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the line breaks of the help."""
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    @staticmethod
    def add_window(parser: ArgumentParser, *, required: bool = False) -> None:
        """Take --start and --end; `window_of` reads them."""
        example = "ISO 8601, for instance 2012-01-01T06:00"
        parser.add_argument("--start", required=required, metavar="TIME", help=example)
        parser.add_argument("--end", required=required, metavar="TIME")

    @staticmethod
    def add_types(parser: ArgumentParser) -> None:
        """Take --types; `types_of` reads them."""
        parser.add_argument("--types", default="", metavar="AR,CH", help="HEK's codes; all, if not given")

    @staticmethod
    def add_waves(parser: ArgumentParser) -> None:
        """Take --waves; `waves_of` reads them."""
        parser.add_argument("--waves", default="", metavar="171,193", help="angstrom; all, if not given")


def account_line(account: dict[str, int]) -> str:
    """The account by its five names, as the law that it obeys."""
    parts = " + ".join(
        f"{name} {account[name]}" for name in ("created", "updated", "unchanged", "quarantined")
    )
    return f"received {account['received']} = {parts}"


def run_line(run: IngestRun) -> str:
    """A run as it stands."""
    return f"{books.describe(run)}: page {run.pages}, {account_line(accounts.account(run))}"


def time_of(text: str) -> datetime:
    """A time as ISO 8601, UTC where it names no zone. Raises ValueError."""
    time_ = datetime.fromisoformat(text)
    return time_.replace(tzinfo=UTC) if time_.tzinfo is None else time_.astimezone(UTC)


def window_of(start: str | None, end: str | None) -> TimeWindow | None:
    """The window from --start to --end; None where neither is given. Raises CommandError for half a one."""
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise CommandError("--start and --end go together")
    window = TimeWindow(_time("--start", start), _time("--end", end))
    if window.start == window.end:
        raise CommandError("the window from --start to --end is empty")
    return window


def _time(name: str, text: str) -> datetime:
    try:
        return time_of(text)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{name} {text}: {error}") from None


def types_of(text: str) -> tuple[str, ...]:
    """Event types from a list with commas, in any case. Raises ValueError for one that is none."""
    codes = tuple(code.strip().upper() for code in text.split(",") if code.strip())
    unknown = [code for code in codes if code not in EVENT_TYPES]
    if unknown:
        raise ValueError(f"no event type is named {', '.join(unknown)}; there are {', '.join(EVENT_TYPES)}")
    return codes


def waves_of(text: str) -> tuple[int, ...]:
    """Wavelengths from a list with commas. Raises ValueError for one without images."""
    return tuple(wave_of(wave) for wave in text.split(",") if wave.strip())


def tell_piece(piece: Piece) -> str:
    """A piece of tracking that is done."""
    days = f"{piece.first} to {piece.last}"
    return f"{piece.group}, {days}: {piece.reports} reports; {changes_line(piece.changes)}"


def changes_line(changes: Changes) -> str:
    """What tracking has changed."""
    return (
        f"edges +{changes.edges_added} -{changes.edges_removed}, reports placed {changes.places},"
        f" tracks removed {changes.tracks_removed}"
    )


def made_line(made: Made) -> str:
    """What interpolation has come to."""
    return f"{made.tracks} tracks: shapes +{made.written} -{made.removed}"


def plain_errors(handle: Callable[..., None]) -> Callable[..., None]:
    """For a command's `handle`: what can be expected to go wrong ends it with one line and a status.

    1: the source cannot be read, the database is away, somebody else is at work. 130: stopped by Ctrl-C.
    --traceback shows where it came from.
    """

    @wraps(handle)
    def guarded(*args: Any, **options: Any) -> None:
        try:
            handle(*args, **options)
        except KeyboardInterrupt:
            raise CommandError("stopped; run it again to go on", returncode=130) from None
        except (SourceError, ValueError, accounts.WindowBusy) as error:
            raise CommandError(str(error)) from error
        except (django.db.OperationalError, django.db.InterfaceError) as error:
            raise CommandError(f"the database: {accounts.one_line(error)}") from error
        except django.db.ProgrammingError as error:
            reason = accounts.one_line(error)
            raise CommandError(f"the database is not migrated (manage.py migrate): {reason}") from error

    return guarded


def watch(
    look: Callable[[], _Seen], line_of: Callable[[_Seen], str], is_over: Callable[[_Seen], bool],
    say: Callable[[str], object],
) -> _Seen:  # fmt: skip
    """Tell, whenever it changes, how what others work on comes on until it is over; as it is then."""
    last, changed = "", time.monotonic()
    while True:
        seen = look()
        line = line_of(seen)
        if line != last:
            last, changed = line, time.monotonic()
            say(line)
        if is_over(seen):
            return seen
        if time.monotonic() - changed > WONDER:
            say("nothing has changed for a while: is a worker running?")
            changed = time.monotonic()
        time.sleep(LOOK)


def follow(backfill: Backfill, say: Callable[[str], object]) -> Progress:
    """Tell how a backfill comes on until none of its runs is left to wait for."""
    return watch(lambda: progress(backfill.runs.all()), _progress_line, lambda now: now.is_over, say)


def _progress_line(now: Progress) -> str:
    failed = f", {now.failed} failed" if now.failed else ""
    return f"{now.succeeded} of {now.total} windows{failed}; {account_line(now.account)}"


def end_of(backfill: Backfill, done: Progress) -> str:
    """The last line of a followed backfill. Raises CommandError if a window failed."""
    failed = backfill.runs.filter(state=IngestRun.State.FAILED).order_by("window_start").first()
    if failed is not None:
        raise CommandError(
            f"{done.failed} of {done.total} windows failed ({account_line(done.account)});"
            f" the first, {books.describe(failed)}: {failed.error}"
        )
    return account_line(done.account)
