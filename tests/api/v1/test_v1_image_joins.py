"""Events and tracks on images: pixels, cells, and the parameters under a shape."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from events.models import Event, Track, TrackReport
from images.domain.settings import PARAMETERS

T = datetime(2012, 2, 13, 20, tzinfo=UTC)
SIDE = 64 * 0.6  # arcsec in a cell
#: Around the disk's centre, over parts of 2 x 3 cells.
BOX = (-30.0, -20.0, 60.0, 10.0)


def wkt(xmin, ymin, xmax, ymax):
    return f"POLYGON(({xmin} {ymin},{xmax} {ymin},{xmax} {ymax},{xmin} {ymax},{xmin} {ymin}))"


@pytest.fixture
def region(db, make_event):
    """A region of 26 minutes on the disk, known by its box."""
    event = make_event(1, start=T, end=T + timedelta(minutes=26), hpc_bbox=wkt(*BOX))
    event.save()
    return event


def parts_of_cells(box):
    """Which part of each cell a box (arcsec) covers, cell by cell, on the plane: true near the centre."""
    parts = np.zeros((64, 64))
    for row in range(64):
        for column in range(64):
            cell = shapely.box(
                (column - 32) * SIDE, (31 - row) * SIDE, (column - 31) * SIDE, (32 - row) * SIDE
            )
            parts[row, column] = cell.intersection(shapely.box(*box)).area / SIDE**2
    return parts


# --- include=header


def test_each_event_comes_with_the_image_nearest_to_its_instant(client, sky, region, make_event):
    make_event(2, start=T + timedelta(minutes=8), hpc_coord="POINT(0 0)").save()
    make_event(3, start=T + timedelta(hours=9), hpc_bbox=wkt(*BOX)).save()
    events = client.get("/api/v1/events", {"include": "header", "wave": "171"}).json()["events"]
    first, without_area, without_image = (event["image"] for event in events)
    assert (first["observed"], first["offset"], first["shape"]) == ("2012-02-13T20:00:00Z", 0.0, "hpc_bbox")
    assert first["wcs"]["CRPIX1"] == 2048.5
    assert (without_area["slot"], without_area["offset"]) == (156921, -119.0)
    assert (without_area["shape"], without_area["pixels"], without_area["cells"]) == (None, None, None)
    assert without_image is None


def test_an_outline_that_holds_at_the_end_of_its_report_is_placed_on_the_image_of_then(
    client, sky, make_event
):
    spoca = make_event(1, start=T, end=T + timedelta(minutes=24), hpc_bbox=wkt(*BOX), frm_name="SPoCA")
    spoca.save()
    (event,) = client.get("/api/v1/events", {"include": "header", "wave": "171"}).json()["events"]
    image = event["image"]
    assert (image["instant"], image["slot"], image["offset"]) == ("2012-02-13T20:24:00Z", 156924, 0.0)
    # Under the event, too: where it lies then, and 3.7 arcsec further east at its start.
    first, *_, last = series(client, spoca.pk, parameter=1)["series"]
    for entry, shift in ((first, -3.7), (last, 0.0)):
        values = sky.store.frame(171, entry["slot"])[:, :, 0].astype(float)
        parts = parts_of_cells((BOX[0] + shift, BOX[1], BOX[2] + shift, BOX[3]))
        mean = (values * parts).sum() / parts.sum()
        assert entry["values"]["entropy"]["mean"] == pytest.approx(mean, rel=0.01)


def test_a_shape_that_no_image_could_show_has_no_place(client, sky, make_event):
    far = make_event(1, start=T, hpc_bbox=wkt(-4e5, 0, 10, 10))
    far.save()
    (event,) = client.get("/api/v1/events", {"include": "header", "wave": "171"}).json()["events"]
    assert (event["image"]["shape"], event["image"]["pixels"], event["image"]["cells"]) == (
        "hpc_bbox",
        None,
        None,
    )
    assert [entry["cells"] for entry in series(client, far.pk)["series"]] == [0]


def test_its_polygon_in_pixels_and_the_cells_that_it_covers(client, sky, region):
    (event,) = client.get("/api/v1/events", {"include": "header", "wave": "171"}).json()["events"]
    polygon = shapely.geometry.shape(event["image"]["pixels"])
    # Pixel (x, y) from the corner in the north-east; the disk's centre lies at 2047.5.
    expected = shapely.box(2047.5 - 50, 2047.5 - 10 / 0.6, 2047.5 + 100, 2047.5 + 20 / 0.6)
    assert polygon.symmetric_difference(expected).area < 1
    rows, columns = np.nonzero(parts_of_cells(BOX))
    assert event["image"]["cells"] == [list(map(int, place)) for place in zip(rows, columns, strict=True)]


def test_the_outline_goes_before_the_box(client, sky, make_event):
    triangle = "POLYGON((0 0,100 0,0 100,0 0))"
    make_event(1, start=T, hpc_bbox=wkt(0, 0, 100, 100), hpc_boundcc=triangle).save()
    (event,) = client.get("/api/v1/events", {"include": "header", "wave": "171"}).json()["events"]
    assert event["image"]["shape"] == "hpc_boundcc"
    area = shapely.geometry.shape(event["image"]["pixels"]).area * 0.36
    assert area == pytest.approx(5000, rel=1e-4)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [({"include": "header"}, "include"), ({"wave": "171"}, "wave"),
     ({"include": "header", "wave": "171", "format": "csv"}, "include"),
     ({"include": "all", "wave": "171"}, "include")],
)  # fmt: skip
def test_include_and_wave_stand_together(client, sky, query, parameter):
    answer = client.get("/api/v1/events", query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, parameter)


# --- under an event


def series(client, key, room="events", **query):
    answer = client.get(f"/api/v1/{room}/{key}/parameters", {"wave": 171} | query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_mean_and_quantiles_under_an_event_at_each_image(client, sky, region):
    found = series(client, region.pk, parameter="mean,10", quantile="0,0.5,1")
    assert [entry["time"][14:16] for entry in found["series"]] == ["00", "06", "12", "24"]
    assert (found["kb_archivid"], found["outline"]) == (region.kb_archivid, "hpc_bbox")
    entry, parts = found["series"][0], parts_of_cells(BOX)
    assert (entry["cells"], entry["shape"]) == (np.count_nonzero(parts), "carried")
    assert entry["area"] == pytest.approx(90 * 30, rel=1e-3)
    covered = parts > 0
    for name, number in (("mean", 1), ("tamura_directionality", 9)):
        values = sky.store.frame(171, 156920)[:, :, number].astype(float)
        told = entry["values"][name]
        assert told["mean"] == pytest.approx((values * parts).sum() / parts.sum(), rel=1e-3)
        assert told["quantiles"][0] == values[covered].min()
        assert told["quantiles"][2] == values[covered].max()
        assert told["quantiles"][0] <= told["quantiles"][1] <= told["quantiles"][2]


def test_the_sun_carries_it_on(client, sky, region):
    """13.2 deg a day: in 24 minutes 0.22 deg, 3.7 arcsec at the centre, so that columns in the west gain."""
    first, *_, last = series(client, region.pk, parameter=1)["series"]
    assert last["area"] == pytest.approx(first["area"], rel=0.01)
    mean = sky.store.frame(171, 156924)[:, :, 0].astype(float)
    moved = parts_of_cells((BOX[0] + 3.7, BOX[1], BOX[2] + 3.7, BOX[3]))
    assert last["values"]["entropy"]["mean"] == pytest.approx((mean * moved).sum() / moved.sum(), rel=0.01)


def test_all_ten_by_default_and_pages(client, sky, region):
    found = series(client, region.kb_archivid, limit=3)
    assert found["parameters"] == list(PARAMETERS)
    assert list(found["series"][0]["values"]) == list(PARAMETERS)
    rest = client.get(found["next"]).json()
    assert [entry["slot"] for entry in found["series"] + rest["series"]] == [156920, 156921, 156922, 156924]
    assert rest["next"] is None
    stepped = series(client, region.pk, step=3)
    assert [entry["slot"] for entry in stepped["series"]] == [156920, 156924]


def slots_of(found):
    return [entry["slot"] - 156920 for entry in found["series"]]


@pytest.mark.parametrize(
    ("start", "end", "slots"),
    [(None, "20:24:00", [0, 1, 2]), (None, "20:24:00.000001", [0, 1, 2, 4]), ("20:24:00", None, [4]),
     ("20:06:01", "20:12:12.35", [1]), ("20:12", "20:12", []), ("21:00", None, []), (None, "20:00", []),
     ("20:24:00", "23:00", [4])],
)  # fmt: skip
@pytest.mark.parametrize("room", ["events", "tracks"])
def test_the_end_that_was_asked_is_excluded(client, sky, track, room, start, end, slots):  # noqa: PLR0917 - a table
    key = Event.objects.filter(pk=track.pk)
    key.update(event_endtime=T + timedelta(minutes=24))
    asked = {"start": start and f"2012-02-13T{start}", "end": end and f"2012-02-13T{end}"}
    found = series(
        client, track.pk, room, parameter=1, **{name: text for name, text in asked.items() if text}
    )
    assert slots_of(found) == slots


def test_the_end_of_its_life_is_included(client, sky, make_event):
    event = make_event(1, start=T, end=T + timedelta(minutes=24), hpc_bbox=wkt(*BOX))
    event.save()
    assert slots_of(series(client, event.pk)) == [0, 1, 2, 4]


@pytest.mark.parametrize("minutes", [1, 6, 6.02, 12, 24, 25])
def test_adjoining_windows_share_no_image(client, sky, region, minutes):
    cut = (T + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    before, after = series(client, region.pk, end=cut), series(client, region.pk, start=cut)
    assert slots_of(before) + slots_of(after) == slots_of(series(client, region.pk))


def test_units_of_all_that_is_told(client, sky, region):
    found = series(client, region.pk, parameter="mean,10")
    assert found["units"] == {"area": "arcsec2", "mean": "DN", "tamura_directionality": "rad2"}


def test_the_statements_of_a_series_do_not_grow_with_it(client, sky, region, django_assert_max_num_queries):
    for query in ({}, {"step": 2}, {"limit": 1}):
        with django_assert_max_num_queries(2):  # the event and its images
            series(client, region.pk, **query)


def test_an_instant_has_the_image_nearest_to_it(client, sky, make_event):
    event = make_event(1, start=T + timedelta(minutes=3), hpc_bbox=wkt(*BOX))
    event.save()
    assert [entry["slot"] for entry in series(client, event.pk)["series"]] == [156920]


def test_a_cell_without_a_value_is_left_out(client, empty_sky, region):
    frame = np.full((64, 64, 10), 5, dtype=np.float32)
    frame[31, 31] = np.nan
    empty_sky.add(T, frame=frame)
    (entry,) = series(client, region.pk)["series"]
    assert entry["values"]["entropy"] == {"mean": 5.0, "quantiles": [5.0, 5.0, 5.0]}
    empty_sky.store.write(171, 156920, np.where(np.arange(64)[:, None, None] > 20, np.nan, frame))
    (entry,) = series(client, region.pk)["series"]
    assert entry["values"]["entropy"] == {"mean": None, "quantiles": [None, None, None]}


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [({}, 400, "wave"), ({"wave": "171", "quantile": "1.1"}, 400, "quantile"),
     ({"wave": "171", "x": "1"}, 400, "x"),
     ({"wave": "171", "start": "2012-02-14", "end": "2012-02-13"}, 400, "start"),
     ({"wave": "171", "quantile": ",".join(f"{n / 20}" for n in range(21))}, 400, "quantile"),
     ({"wave": "171", "limit": "1001"}, 400, "limit"), ({"wave": "171", "parameter": "x"}, 400, "parameter")],
)  # fmt: skip
@pytest.mark.parametrize("room", ["events", "tracks"])
def test_bad_questions(client, sky, track, room, query, status, parameter):  # noqa: PLR0917 - a table
    answer = client.get(f"/api/v1/{room}/{track.pk}/parameters", query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (status, parameter)


@pytest.mark.parametrize("room", ["events", "tracks"])
@pytest.mark.parametrize("key", ["none", "999999", "ivo://x/y%00"])
def test_nothing_of_that_name(client, sky, room, key):
    answer = client.get(f"/api/v1/{room}/{key}/parameters", {"wave": 171})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_an_event_without_an_area_is_422(client, sky, make_event):
    event = make_event(1, start=T, hpc_coord="POINT(0 0)")
    event.save()
    answer = client.get(f"/api/v1/events/{event.pk}/parameters", {"wave": 171})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_position")


# --- under a track


@pytest.fixture
def track(db, make_event):
    """Two reports 24 minutes apart, the second as the Sun carries the first."""
    shapes = (BOX, (BOX[0] + 3.7, BOX[1], BOX[2] + 3.7, BOX[3]))
    events = Event.objects.bulk_create(
        make_event(n, start=T + timedelta(minutes=24 * n), hpc_bbox=wkt(*shape))
        for n, shape in enumerate(shapes)
    )
    made = Track.objects.create(
        pk=events[0].pk, event_type="AR", report_count=2,
        event_starttime=T, event_endtime=events[1].event_endtime,
    )  # fmt: skip
    for position, event in enumerate(events):
        TrackReport.objects.create(
            event=event, track=made, position=position, event_starttime=event.event_starttime,
            observed=event.event_starttime,
        )  # fmt: skip
    return made


def test_under_the_moving_shape_of_a_track(client, sky, track):
    found = series(client, track.pk, "tracks", parameter="entropy")
    assert found["track"] == track.pk
    assert [(entry["slot"], entry["shape"]) for entry in found["series"]] == [
        (156920, "reported"), (156921, "interpolated"), (156922, "interpolated"), (156924, "reported"),
    ]  # fmt: skip
    for entry in found["series"]:
        x = 3.7 * (entry["slot"] - 156920) / 4
        parts = parts_of_cells((BOX[0] + x, BOX[1], BOX[2] + x, BOX[3]))
        values = sky.store.frame(171, entry["slot"])[:, :, 0].astype(float)
        assert entry["values"]["entropy"]["mean"] == pytest.approx(
            (values * parts).sum() / parts.sum(), rel=0.02
        )
        assert entry["area"] == pytest.approx(2700, rel=0.01)


def test_any_report_names_its_track(client, sky, track):
    second = Event.objects.order_by("pk").last()
    assert series(client, second.kb_archivid, "tracks") == series(client, track.pk, "tracks")
