"""Events on images, labels as arrays, and what is expected of them, cell by cell."""

import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

ROOT = "/api/v1/labels"
IMAGE = "/api/v1/images/171/156921/labels"
T = datetime(2012, 2, 13, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HALF_HOUR = {"wave": 171, "start": "2012-02-13T20:00:00", "end": "2012-02-13T21:00:00"}
SLOTS = [156920, 156921, 156922, 156924, 156925]
SIDE = 64 * 0.6  # arcsec in a cell
#: Around the disk's centre, over parts of 2 x 3 cells.
BOX = (-30.0, -20.0, 60.0, 10.0)
#: As far as the Sun carries what is at the disk's centre in 24 minutes, arcsec.
CARRIED = 3.7


def clipped(*shapes, side=SIDE, centre=(0.0, 0.0)):
    """Which part of each cell these shapes (arcsec) cover, cell by cell, on the plane: true near the centre.

    `centre`: what the middle of the grid looks at.
    """
    covered = shapely.union_all([*shapes])
    parts = np.zeros((64, 64))
    for row in range(64):
        for column in range(64):
            x, y = centre[0] + (column - 32) * side, centre[1] + (31 - row) * side
            parts[row, column] = shapely.box(x, y, x + side, y + side).intersection(covered).area / side**2
    return parts


def wkt(xmin, ymin, xmax, ymax):
    return shapely.box(xmin, ymin, xmax, ymax).wkt


def dense(cells):
    """The whole grid from a list of [row, column, share]."""
    grid = np.zeros((64, 64))
    for row, column, share in cells:
        assert 0 < share <= 1
        grid[row, column] = share
    return grid


def as_json(client, **query):
    answer = client.get(ROOT, HALF_HOUR | query)
    assert answer.status_code == 200, answer.getvalue()
    return json.loads(answer.getvalue())


def as_npz(client, **query):
    answer = client.get(ROOT, HALF_HOUR | {"format": "npz"} | query)
    assert answer.status_code == 200, answer.getvalue()
    body = answer.getvalue()
    assert int(answer["Content-Length"]) == len(body)
    return np.load(io.BytesIO(body), allow_pickle=False)


@pytest.fixture
def add(db, make_event):
    """Stores an event of 26 minutes from T on: `add(1, "AR", box)`."""

    def store(number, event_type="AR", box=BOX, **columns):
        times = {"start": T, "end": T + 26 * MINUTE}
        shape = {} if box is None else {"hpc_bbox": wkt(*box)}
        event = make_event(number, event_type, **(times | shape | columns))
        event.save()
        return event

    return store
