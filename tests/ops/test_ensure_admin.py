"""The first account of a new installation."""

import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def ensure(*arguments: str) -> str:
    out = StringIO()
    call_command("ensure_admin", *arguments, stdout=out)
    return out.getvalue()


def test_the_password_is_shown_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "admin-password"
    shown = ensure("--password-file", str(path))
    password = path.read_text().strip()
    assert f"password {password} " in shown
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    admin = User.objects.get()
    assert (admin.username, admin.is_superuser, admin.is_staff) == ("admin", True, True)
    assert admin.check_password(password)
    assert ensure("--password-file", str(path)) == ""
    assert path.read_text().strip() == password


def test_an_existing_superuser_suffices_even_a_deactivated_one() -> None:
    User.objects.create_superuser("someone", password="x", is_active=False)
    assert ensure() == ""
    assert User.objects.count() == 1


def test_an_ordinary_user_of_that_name_is_left_alone() -> None:
    User.objects.create_user("admin", password="x")
    assert ensure() == ""
    assert not User.objects.get().is_superuser


def test_no_account_without_its_password_kept(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ensure("--password-file", str(tmp_path / "missing" / "file"))
    assert not User.objects.exists()
