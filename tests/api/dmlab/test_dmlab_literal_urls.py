"""Every address as programs and pages of the original write it, byte for byte."""

import json
from xml.etree import ElementTree

import pytest

T, END = "2012-02-13T20:00:00", "2012-02-13T21:00:00"
RANGE = f"wave=171&starttime={T}&endtime={END}&limit=100&offset=0"
EVENTS = "startTime=2012-01-22T00:00:00&endTime=2012-02-22T00:00:00"
PAGE = "sortby=startTime&limit=100&offset=0"
ADDRESSES = {
    **{f"images/SDO/AIA/{size}/?wave=171&starttime={T}": "image/jpeg" for size in ("2k", "512", "256")},
    **{
        f"images/SDO/AIA/param/64/{size}/?wave=171&starttime={T}&param={param}": "image/jpeg"
        for size in ("2k", "512", "256")
        for param in (1, 10)
    },
    f"params/SDO/AIA/64/full/?wave=171&starttime={T}": "xml",
    f"params/SDO/AIA/json/64/full/?wave=171&starttime={T}": "json",
    f"params/SDO/AIA/64/full/range/?{RANGE}&step=1": "xml",
    f"params/SDO/AIA/64/full/range/?{RANGE}&setp=1": "xml",
    f"params/SDO/AIA/json/64/full/range/?{RANGE}&step=1": "json",
    f"params/SDO/AIA/json/64/full/range/?{RANGE}&setp=1": "json",
    f"header/SDO/AIA/xml/?wave=171&starttime={T}": "xml",
    f"header/SDO/AIA/json/?wave=171&starttime={T}": "json",
    f"images/SDO/AIA/2k/?wave=0171&starttime={T}": "image/jpeg",
    "params/SDO/AIA/param/track/ts?wave=171&id=ivo://test/AR_00001&param=1": "json",
    f"query/HEK/minevent/atemporal/json/?{EVENTS}&tableName=ar&predicate=intersects&{PAGE}": "json",
    f"query/HEK/minevent/temporal/json/?{EVENTS}&tableName=qh&predicate=intersects&{PAGE}": "json",
    f"query/HEK/minevent/temporal/xml/?{EVENTS}&tableName=ar&predicate=intersects&{PAGE}": "xml",
    f"query/HEK/minevent/spatiotemporal/json/?{EVENTS}&xmin=-310&xmax=20&ymin=-200&ymax=20&eventType=ar&{PAGE}":
        "json",
    f"query/HEK/minevent/spatiotemporal/xml/?{EVENTS}&xmin=-310&xmax=20&ymin=-200&ymax=20&eventType=ar&{PAGE}":
        "xml",
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_answers_at_once(get, sky, sample, address):
    """No redirect, the right type, and for the lists a bare one."""
    answer = get(address)
    assert answer.status_code == 200
    if ADDRESSES[address] == "json":
        body = json.loads(answer.content)
        assert isinstance(body, dict if address.startswith("header") else list)
    elif ADDRESSES[address] == "xml":
        assert ElementTree.fromstring(answer.content).tag in {"image", "frames", "header", "events"}
    else:
        assert (answer["Content-Type"], answer.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("/api/query/image", {"resolution": "2k", "wavelength": "0171", "starttime": T}),
        (
            "/api/query/param/image",
            {"resolution": "512", "wavelength": "171", "starttime": T, "paramid": "3"},
        ),
        ("/api/query/param", {"wavelength": "171", "starttime": T}),
        (
            "/analytics/api/query/track/ts",
            {"id": "ivo://test/AR_00001", "wavelength": "0171", "paramid": "1"},
        ),
    ],
)
def test_where_isd_sends_on_to_is_an_answer(client, sky, sample, address, query):
    answer = client.get(address, query, follow=True)
    assert (answer.status_code, [status for _, status in answer.redirect_chain]) == (200, [302])
    assert answer.getvalue()
