"""The Makefile, the CI script and the documentation name the same commands."""

import re
import stat
import subprocess

from ops.__main__ import VERBS
from ops.state import CHECKOUT

MAKEFILE = (CHECKOUT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z]+):.*## \S", MAKEFILE, re.MULTILINE)


def test_each_target_is_one_verb() -> None:
    recipes = re.findall(r"^([a-z]+):[^\n]*\n((?:\t[^\n]*\n?)+)", MAKEFILE, re.MULTILINE)
    assert [target for target, _ in recipes] == TARGETS
    for target, recipe in recipes:
        assert re.fullmatch(rf"\t@\$\(PYTHON\) -m ops {target}( \$\([TA]\))?\n?", recipe), target
    assert set(TARGETS) == set(VERBS) - {"env"}
    assert set(re.search(r"\.PHONY: (.*)", MAKEFILE).group(1).split()) == set(TARGETS)


def test_bare_make_is_help_and_lists_every_target() -> None:
    shown = subprocess.check_output(["make", "--no-print-directory"], cwd=CHECKOUT, text=True)
    assert [line.split()[1] for line in shown.splitlines()] == TARGETS


def test_ci_runs_make_test_and_nothing_else() -> None:
    script = CHECKOUT / ".ci" / "run"
    lines = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]
    assert script.stat().st_mode & stat.S_IXUSR


def test_an_unknown_verb_is_refused() -> None:
    words = ["python3", "-m", "ops", "explode"]
    result = subprocess.run(words, check=False, cwd=CHECKOUT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("isd: usage: ")


def test_documented_targets_exist() -> None:
    for path in [CHECKOUT / "docs" / "operations.md", CHECKOUT / "README.md"]:
        if path.exists():
            assert set(re.findall(r"`make ([a-z]+)", path.read_text())) <= set(TARGETS), path


def test_ops_stands_on_the_standard_library_alone() -> None:
    """It must run before the virtual environment exists; only the supervisor may import from that."""
    names = {path.stem for path in (CHECKOUT / "ops").glob("*.py")} - {"supervisor"}
    code = "import sys; sys.path.insert(0, '.')\n" + "\n".join(f"import ops.{name}" for name in sorted(names))
    # -S: no site-packages
    subprocess.run(["python3", "-I", "-S", "-c", code], cwd=CHECKOUT, check=True)
