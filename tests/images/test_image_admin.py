"""The operator's pages of images, their settings and the runs over them: they show and change nothing."""

import base64
import io
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from django.contrib import admin
from django.urls import reverse
from PIL import Image

from images.files import SIZES, picture_folder
from images.models import ImageHeader, MeasuringSettings
from ingest.models import ImageRun

TIME = datetime(2012, 1, 2, 6, tzinfo=UTC)


@pytest.fixture
def page(admin_client):
    """page(object): its list and its own page, as text."""

    def read(made):
        name = f"admin:{made._meta.app_label}_{made._meta.model_name}"
        answers = [admin_client.get(reverse(f"{name}_changelist"))]
        answers.append(admin_client.get(reverse(f"{name}_change", args=[made.pk])))
        assert [answer.status_code for answer in answers] == [200, 200]
        return [answer.content.decode() for answer in answers]

    return read


def test_an_image_and_its_settings(add, page):
    image = add(171, TIME, flags=["dark"])
    listed, shown = page(image)
    assert "2012-01-02 06:00:00" in listed
    assert "dark" in listed
    assert "WAVELNTH" in shown
    assert "reference" in page(image.settings)[0]


def test_the_page_of_an_image_shows_it_and_its_parameters(add, page, settings, tmp_path, store):
    settings.ISD_PARAMETER_STORE, settings.ISD_IMAGE_FOLDER = store.address, str(tmp_path / "pictures")
    image = add(171, TIME, quality=(1 << 30) | (1 << 13))
    _, shown = page(image)
    assert "there is no picture" in shown
    assert "holds no frame of 171" in shown
    plane = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    frame = np.repeat(plane[:, :, None], 10, axis=2)
    frame[:, :, 9] = np.nan
    frame[0, 0, 9] = 7
    store.write(171, image.slot, frame)
    jpeg = io.BytesIO()
    Image.new("L", (512, 512), 90).save(jpeg, "JPEG")
    picture_folder().write(171, image.slot, dict.fromkeys(SIZES, jpeg.getvalue()))
    _, shown = page(image)
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(text)))
        for text in re.findall(r'src="data:image/(?:png|jpeg);base64,([^"]+)"', shown)
    ]
    assert [picture.size for picture in pictures] == [(512, 512)] + 10 * [(128, 128)]
    assert pictures[1].getpixel((0, 0)) == (0, 0, 0)
    assert pictures[1].getpixel((127, 127))[:2] == (255, 255)
    assert "tamura directionality<br>7 .. 7" in shown
    assert "entropy<br>0 .. 4095" in shown
    assert "eclipse, quicklook image (not tolerable)" in shown


def test_a_list_of_images_leaves_the_keywords_in_the_database(
    add, admin_client, django_assert_max_num_queries
):
    for minute in range(0, 60, 6):
        add(171, TIME.replace(minute=minute))
    with django_assert_max_num_queries(15):
        assert admin_client.get(reverse("admin:images_imageheader_changelist")).status_code == 200


@pytest.mark.django_db
def test_runs_over_windows_and_files(page):
    listed, _ = page(ImageRun.objects.create(source="files", paths=["/a.jp2", "/b.jp2"]))
    assert "2 files" in listed
    run = ImageRun.objects.create(
        source="helioviewer", waves=[171], window_start=TIME, window_end=TIME.replace(hour=7),
        started_at=TIME, finished_at=TIME.replace(minute=2), received=10, created=9, quarantined=1,
        state="succeeded",
    )  # fmt: skip
    listed, _ = page(run)
    assert "10 received = 9 created + 1 quarantined" in listed
    assert "2 min 0 s" in listed


@pytest.mark.parametrize("model", [ImageHeader, MeasuringSettings, ImageRun])
def test_nothing_can_be_changed(model, rf):
    page = admin.site._registry[model]
    request = rf.get("/")
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
