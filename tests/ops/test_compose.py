"""The compose deployment runs what `make run` runs; checked without a Docker engine."""

import re
from typing import Any

import pytest
import yaml

from ops import packages, processes, redis, tuning, virtualenv
from ops.state import CHECKOUT
from tests.ops.test_settings_docs import documented

COMPOSE = (CHECKOUT / "docker-compose.yml").read_text()
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
OPERATIONS = (CHECKOUT / "docs" / "operations.md").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS = {process.name: process for process in processes.PROCESSES}
VARIABLE = re.compile(r"\$\{(\w+)(:[?-][^}]*)?\}")


def test_the_services_are_those_of_the_process_table() -> None:
    assert set(SERVICES) == {*OURS, "migrate", "postgis", "redis"}


@pytest.mark.parametrize("name", OURS)
def test_commands_are_those_of_the_process_table(name: str) -> None:
    assert tuple(SERVICES[name]["command"]) == OURS[name].command


def test_migration_runs_once_and_before_the_others() -> None:
    assert tuple(SERVICES["migrate"]["command"]) == processes.MIGRATE
    assert SERVICES["migrate"]["restart"] == "no"
    for name in OURS:
        waits = SERVICES[name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert waits["postgis"] == waits["redis"] == {"condition": "service_healthy"}


def test_everything_that_lasts_has_a_health_check_and_a_restart() -> None:
    for name in set(SERVICES) - {"migrate"}:
        assert SERVICES[name]["healthcheck"]["test"], name
        assert SERVICES[name]["restart"] == "unless-stopped", name


def test_our_services_share_one_image_built_here() -> None:
    assert {SERVICES[name]["image"] for name in (*OURS, "migrate")} == {"isd:latest"}
    for name in (*OURS, "migrate"):
        assert SERVICES[name]["build"] == {"context": ".", "args": {"WITH_S3": "${WITH_S3:-}"}}


def test_engine_versions_agree_with_debians() -> None:
    postgres, postgis = re.fullmatch(
        r"postgis/postgis:(\d+)-(\d+)\.\d+", SERVICES["postgis"]["image"]
    ).groups()
    assert int(postgres) == packages.POSTGRES_MAJOR
    assert packages.POSTGIS.name == f"postgresql-{postgres}-postgis-{postgis}"
    assert re.fullmatch(r"redis:7(\.\d+)?-alpine", SERVICES["redis"]["image"])


def test_engine_settings_agree_with_the_private_services() -> None:
    arguments = dict(word.removeprefix("--").split("=", 1) for word in SERVICES["postgis"]["command"][1:])
    assert arguments.items() >= tuning.FIXED.items()
    words = SERVICES["redis"]["command"][1:]
    given = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    assert given.items() >= redis.FIXED.items()


def test_the_role_and_extensions_come_from_the_same_file() -> None:
    mount = next(volume for volume in SERVICES["postgis"]["volumes"] if "initdb.d" in volume)
    source, target, mode = mount.split(":")
    assert (CHECKOUT / source).read_text().count("CREATE EXTENSION IF NOT EXISTS postgis;") == 2
    assert target.endswith(".sql")
    assert mode == "ro"


def test_containers_get_only_documented_settings() -> None:
    for name in (*OURS, "migrate"):
        assert set(SERVICES[name]["environment"]) - {"POSTGRES_PASSWORD"} <= set(documented()), name
        assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"} <= set(
            SERVICES[name]["environment"]
        )


def test_containers_get_every_setting_of_the_file_but_the_superusers_password() -> None:
    for name in (*OURS, "migrate"):
        assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}], name
        assert SERVICES[name]["environment"]["POSTGRES_PASSWORD"] == "", name


def test_no_secret_has_a_default_and_every_variable_is_documented() -> None:
    section = OPERATIONS.split("\n## Production by compose\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| ")][1:]
    listed = {name.strip(): default.strip() for names, default in rows for name in names.split(",")}
    used = dict(VARIABLE.findall(COMPOSE))
    assert set(listed) == set(used)
    for name, default in used.items():
        if re.search("PASSWORD|SECRET", name):
            assert default.startswith(":?"), f"{name} must have no default"
        assert (listed[name] == "required") == default.startswith(":?"), name


def test_the_example_environment_names_exactly_the_required_variables() -> None:
    example = OPERATIONS.split("cat > .env <<END\n")[1].split("END\n")[0]
    names = {line.split("=")[0] for line in example.splitlines()}
    required = {name for name, default in VARIABLE.findall(COMPOSE) if default.startswith(":?")}
    assert required <= names <= set(dict(VARIABLE.findall(COMPOSE)))


def test_dockerfile_installs_the_same_packages_and_lock() -> None:
    installed = re.search(r"apt-get install ([^\\\n]+)", DOCKERFILE).group(1).split()
    assert [word for word in installed if not word.startswith("--")] == [packages.GDAL.name]
    assert f"--require-hashes --requirement {virtualenv.RUNTIME_LOCK.name}" in DOCKERFILE
    assert f"COPY {virtualenv.RUNTIME_LOCK.name} requirements-s3.txt ./" in DOCKERFILE


def test_what_s3_needs_is_pinned_as_the_rest_is() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w-]+)==(\S+)", (CHECKOUT / name).read_text(), re.MULTILINE))

    runtime, more = pins("requirements.txt"), pins("requirements-s3.txt")
    assert "${WITH_S3:+--requirement requirements-s3.txt}" in DOCKERFILE
    assert "s3fs" in more
    assert {name: pin for name, pin in more.items() if name in runtime}.items() <= runtime.items()


def test_dockerfile_ends_as_an_unprivileged_web_process() -> None:
    lines = DOCKERFILE.splitlines()
    assert lines.index("USER isd") > lines.index("COPY . .")
    assert f"CMD {list(processes.WEB.command)}".replace("'", '"') == lines[-1]
    assert re.search(r"^FROM python:3\.11-", DOCKERFILE, re.MULTILINE)


def test_secrets_and_state_stay_out_of_the_image_and_the_repository() -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "var"} <= set(ignored)
    assert {"/.env", "/.venv/", "/var/"} <= set((CHECKOUT / ".gitignore").read_text().split())
