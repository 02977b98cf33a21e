"""Recorded answers of HEK, served page by page and read back whole."""

from datetime import UTC, datetime

import pytest

from events.domain.criteria import TimeWindow


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("ar_spoca_201803.json", (98, 30)),
        ("mixed_20230329.json", (23, 500)),
        ("flares_ssw_20120101.json", (13, 4)),
        ("flares_swpc_20120101.json", (12, 12)),
    ],
)
def test_every_record_comes_back_as_recorded(endpoint, serve, hek_answer, name, sizes) -> None:
    records, limit = sizes
    table = hek_answer(name)["result"]
    endpoint.script = [serve(lambda: table)]
    source = endpoint.source(result_limit=limit, max_bytes=10_000_000)
    window = TimeWindow(datetime(2010, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
    found = [record for page in source.fetch(window, ()) for record in source.parse(page).records]
    assert found == table
    assert len(found) == records


def test_associations_come_along(endpoint, say, hek_answer) -> None:
    answer = hek_answer("ar_spoca_201803.json")
    endpoint.script = [say(answer["result"], association=answer["association"], overmax=answer["overmax"])]
    source = endpoint.source(max_bytes=10_000_000)
    (page,) = source.fetch(None, ())
    assert source.parse(page).associations == answer["association"]
    assert len(answer["association"]) == 79
