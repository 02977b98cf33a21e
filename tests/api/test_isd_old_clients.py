"""Programs of 2016 and 2017, reduced to how they ask and how they read, over a real server."""

import json
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from events.models import Event


@pytest.fixture
def server(live_server, make_event):
    """A server with thirty events, one an hour."""
    epoch = datetime(2014, 8, 30, tzinfo=UTC)
    box = "POLYGON((400 80,600 80,600 220,400 220,400 80))"
    Event.objects.bulk_create(
        make_event(n, ("AR", "CH", "SG")[n % 3], epoch + timedelta(hours=n), hpc_bbox=box) for n in range(30)
    )
    return live_server.url


def test_the_python_client_reads_the_type_as_the_first_value_of_a_row(server):
    """It builds the address by hand, with un-padded times, and takes values by place and not by name."""
    url = (
        f"{server}/api/query/temporal?starttime=2014-8-30T0:0:0&endtime=2014-8-31T0:0:0"
        "&tablenames=ar,ch,sg&sortby=event_starttime&limit=100&offset=0&predicate=Overlaps"
    )
    with urllib.request.urlopen(url) as answer:
        result = json.loads(answer.read().decode("utf-8"))["Result"]
    rows = [list(row.values()) for row in result]
    assert len(rows) == 24
    assert {first for first, _ in rows} == {"AR", "CH", "SG"}
    assert all(second.startswith(f"ivo://test/{first}_") for first, second in rows)


def test_the_julia_client_groups_by_event_type(server):
    """It posts nothing, asks type by type, and reads `Result[i]["eventtype"]`."""
    counts = {}
    for name in ("ar", "ch", "sg", "fl"):
        query = urllib.parse.urlencode(
            {
                "starttime": "2014-08-30T00:00:00",
                "endtime": "2014-09-01T00:00:00",
                "tablenames": name,
                "xmin": -1200,
                "xmax": 1200,
                "ymin": -1200,
                "ymax": 1200,
                "temporalpredicate": "Overlaps",
                "spatialpredicate": "Intersects",
                "sortby": "event_starttime",
                "limit": 100,
                "offset": 0,
                "web": "True",
            }
        )
        with urllib.request.urlopen(f"{server}/api/query/spatiotemporal/?{query}") as answer:
            body = json.loads(answer.read())
        assert (body["Status"], body["StatusCode"]) == ("OK", 1)
        for row in body["Result"]:
            counts[row["eventtype"]] = counts.get(row["eventtype"], 0) + 1
    assert counts == {"AR": 10, "CH": 10, "SG": 10}
