"""Labels that cannot be had: bad questions, strange shapes, a database that is away; never a 500."""

from datetime import UTC, datetime

import psycopg2
import pytest
import shapely
from django.db import connection

from tests.label_scenes import BOX, HALF_HOUR, IMAGE, MINUTE, ROOT, T, as_json, as_npz, clipped, wkt


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"wave": ""}, "wave"), ({"wave": "170"}, "wave"), ({"wave": "171,193"}, "wave"),
        ({"start": ""}, "start"), ({"end": ""}, "end"), ({"end": "2011-01-01"}, "start"),
        ({"start": "yesterday"}, "start"), ({"event_type": "QQ"}, "event_type"),
        ({"event_type": "AR,CH,AR"}, "event_type"), ({"event_type": ["AR", "ar"]}, "event_type"),
        ({"event_type": "TO,tob"}, "event_type"), ({"frm_name": "a" * 401}, "frm_name"),
        ({"extrapolate": "perhaps"}, "extrapolate"), ({"max_gap": "-1"}, "max_gap"),
        ({"max_gap": "nan"}, "max_gap"), ({"rows": "5:5"}, "rows"), ({"columns": "64"}, "columns"),
        ({"step": "0"}, "step"), ({"limit": "0"}, "limit"), ({"limit": "1001"}, "limit"),
        ({"format": "zarr"}, "format"), ({"parameter": "entropy"}, "parameter"), ({"x": "1"}, "x"),
    ],
)  # fmt: skip
def test_bad_questions(client, sky, query, parameter):
    answer = client.get(ROOT, HALF_HOUR | query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, parameter)


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("170/156921/labels", 400, "wave"), ("171/yesterday/labels", 400, "time"),
        ("171/156921/labels?event_type=CH,CH", 400, "event_type"),
        ("171/156921/labels?format=npz", 400, "format"), ("171/156921/labels?wave=171", 400, "wave"),
        ("171/156921/labels?rows=70", 400, "rows"), ("171/156921/labels?match=some", 400, "match"),
        ("171/156923/labels", 404, None), ("171/2013-01-01/labels", 404, None),
        ("171/999999999/labels", 404, None),
    ],
)  # fmt: skip
def test_bad_questions_about_one_image(client, sky, path, status, parameter):
    answer = client.get(f"/api/v1/images/{path}")
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (status, parameter)


FIRST, LAST = "0001-01-01", "9999-12-31T23:59:59"


@pytest.mark.parametrize(
    "address",
    [
        f"{ROOT}?wave=171&start={FIRST}&end={LAST}", f"{ROOT}?wave=171&start={LAST}&end={LAST}",
        f"{ROOT}?wave=171&start={FIRST}&end={FIRST}&format=npz",
        f"{ROOT}?wave=171&start={FIRST}&end={LAST}&step=2147483647&format=npz",
        f"{ROOT}?wave=171&start={FIRST}&end={LAST}&max_gap=3155760000&extrapolate=false",
        f"{ROOT}?wave=171&start={FIRST}&end={LAST}&frm_name=%00", f"{ROOT}?wave=%C2%B9&start={FIRST}",
        f"{ROOT}?wave=171&start={FIRST}&end={LAST}&event_type=,,&rows=&columns=&frm_name=",
        f"/api/v1/images/171/{FIRST}/labels?match=previous",
        f"/api/v1/images/171/{LAST}/labels?match=nearest",
        "/api/v1/images/171/9999-12-31T23:59:59-23:00/labels", f"/api/v1/images/171/{2**31}/labels",
        "/api/v1/images/171/%00/labels", "/api/v1/images/171/0/labels",
    ],
)  # fmt: skip
def test_extremes(client, sky, add, address):
    add(1)
    answer = client.get(address)
    answer.getvalue()
    assert answer.status_code in {200, 400, 404}


@pytest.mark.parametrize(
    "shape",
    [
        "POLYGON((-1e9 -1e9,1e9 -1e9,1e9 1e9,-1e9 1e9,-1e9 -1e9))",
        "POLYGON((-330000 0,330000 0,0 10,-330000 0))",
        "POLYGON((0 0,50 0,50 50,0 50,0 0),(10 10,20 10,20 20,10 20,10 10))",
        "POLYGON((2000 0,2400 0,2400 900,2000 900,2000 0))", "POLYGON((5 5,5.000001 5,5 5.000001,5 5))",
        "MULTIPOLYGON(((0 0,50 0,50 50,0 0)),((90 0,99 0,99 50,90 0)))",
        "GEOMETRYCOLLECTION(POINT(3 3),POLYGON((0 0,50 0,50 50,0 0)))", "MULTIPOINT(1 1,2 2)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("event_type", ["AR", "CE"])
def test_shapes_of_any_kind(client, sky, add, event_type, shape):
    add(1, event_type, box=None, hpc_boundcc=shape)
    for minutes in (0, 60 * 24):
        add(2 + minutes, event_type, box=(-10, -10, 20, 30), start=T, end=T + minutes * MINUTE)
    grid = as_npz(client, event_type=event_type)["labels"]
    assert ((grid >= 0) & (grid <= 1)).all()
    assert (grid[0, 0] >= clipped(shapely.box(-10, -10, 20, 30)) - 1e-5).all()


def test_events_at_the_ends_of_the_calendar(client, sky, make_event):
    start, end = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    make_event(1, start=start, end=end, hpc_bbox=wkt(*BOX)).save()
    make_event(2, start=start, end=end, hpc_bbox=wkt(*BOX), frm_name="SPoCA").save()
    assert len(as_json(client)["frames"]) == 5


@pytest.fixture
def other():
    """A second connection to the same database."""
    about = connection.settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    with psycopg2.connect(**{name: about[key] for name, key in names.items()}) as second:
        yield second
    second.close()


ADDRESSES = [
    *(f"{ROOT}?wave=171&start=2012-02-13&end=2012-02-14&format={form}" for form in ("json", "npz")),
    IMAGE,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_database_that_is_away_is_503(client, sky, address, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get(address)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert int(answer["Retry-After"]) > 0
    monkeypatch.undo()
    assert client.get(address).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ADDRESSES)
def test_what_fails_at_the_first_image_is_told(client, sky, other, address):
    """The tables of events are locked, so that the images are found and their labels take too long."""
    with other.cursor() as locking, connection.cursor() as cursor:
        locking.execute("LOCK events_event, events_track")
        cursor.execute("SET statement_timeout = '50ms'")
        try:
            answer = client.get(address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (504, "too_slow")
        finally:
            connection.close()
            other.rollback()
