"""`manage.py ensure_admin`: the first account, so that a new installation can be entered at all."""

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Q

NAME = "admin"


class Command(BaseCommand):
    """Creates one superuser with a drawn password, unless there is one already, active or not."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file that shall keep the password."""
        parser.add_argument("--password-file", type=Path, help="also write the password there, mode 0600")

    def handle(self, *_: Any, password_file: Path | None = None, **__: Any) -> None:
        """Create, keep, show once; an account whose password was not kept is not created."""
        if User.objects.filter(Q(is_superuser=True) | Q(username=NAME)).exists():
            return
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            User.objects.create_superuser(NAME, password=password)
            if password_file:
                keep(password_file, password)
        kept = f", kept in {password_file}" if password_file else ""
        self.stdout.write(f"admin account created: user {NAME}, password {password} (shown once{kept})")


def keep(path: Path, password: str) -> None:
    """Write a file that nobody else can read, not even for a moment, whatever stood there before."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
