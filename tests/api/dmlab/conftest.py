"""Short ways to ask the addresses of images, and readers written to the descriptions of old programs."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from django.http import HttpResponse
from django.test import Client

ROOT = "/dmlabapi/"


@pytest.fixture
def get(client: Client) -> Callable[..., HttpResponse]:
    """Asks a path below /dmlabapi/ with its query as it stands; the body is whole in `content`."""

    def ask(path: str, **headers: str) -> Any:
        response = client.get(ROOT + path, headers=headers)
        if not response.streaming:
            return response
        headers_only = dict(response.items())
        return HttpResponse(response.getvalue(), status=response.status_code, headers=headers_only)

    return ask


@pytest.fixture
def read_nested() -> Callable[[bytes], np.ndarray]:
    """The programs of 2018 to 2020: x, y by place, ten children of `params`; mat[x][y][parameter]."""

    def read(body: bytes) -> np.ndarray:
        values = np.zeros((64, 64, 10))
        for cell in ElementTree.fromstring(body).findall("cell"):
            place = int(cell[0].text), int(cell[1].text)
            params = cell.find("params")
            assert cell[2] is params
            assert [child.tag for child in params] == ["param"] * 10
            values[place] = [float(child.text) for child in params]
        return values

    return read


@pytest.fixture
def read_flat() -> Callable[[Any], np.ndarray]:
    """The clients since 2021: x, y and ten values by place; every child is a cell."""

    def read(body: Any, begin: int = 0) -> np.ndarray:
        root = ElementTree.fromstring(body) if isinstance(body, bytes) else body
        values = np.zeros((64, 64, 10))
        for cell in root[begin:]:
            values[int(cell[0].text), int(cell[1].text)] = [float(cell[n].text) for n in range(2, 12)]
        return values

    return read
