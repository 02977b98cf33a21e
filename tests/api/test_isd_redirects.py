"""The routes that send on to /dmlabapi/."""

import pytest


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        (
            "/api/query/image",
            {"resolution": "2k", "wavelength": "0171", "starttime": "2014-8-30T0:0:0"},
            "/dmlabapi/images/SDO/AIA/2k/?wave=171&starttime=2014-08-30T00%3A00%3A00",
        ),
        (
            "/api/query/image/",
            {"resolution": "2048", "wavelength": "94", "starttime": "2014-08-30T01:00:00+01:00"},
            "/dmlabapi/images/SDO/AIA/2k/?wave=94&starttime=2014-08-30T00%3A00%3A00",
        ),
        (
            "/api/query/param/image",
            {"resolution": "512", "wavelength": "355", "starttime": "2014-08-30", "paramid": "10"},
            "/dmlabapi/images/SDO/AIA/param/64/512/?wave=335&starttime=2014-08-30T00%3A00%3A00&param=10",
        ),
        (
            "/api/query/param",
            {"wavelength": "1700", "starttime": "2014-08-30 12:06:00"},
            "/dmlabapi/params/SDO/AIA/64/full/?wave=1700&starttime=2014-08-30T12%3A06%3A00",
        ),
        (
            "/analytics/api/query/track/ts",
            {"id": "ivo://x/y?a=1&b= #", "wavelength": "131", "paramid": "1"},
            "/dmlabapi/params/SDO/AIA/param/track/ts?wave=131&id=ivo%3A%2F%2Fx%2Fy%3Fa%3D1%26b%3D+%23&param=1",
        ),
    ],
)
def test_redirect(client, path, query, location):
    answer = client.get(path, query)
    assert (answer.status_code, answer["Location"]) == (302, location)
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_no_database_is_asked(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        client.get("/api/query/param", {"wavelength": "171", "starttime": "2014-08-30"})
