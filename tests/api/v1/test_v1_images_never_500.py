"""Whatever is asked of images, the answer is one of ours and never a fault of the server."""

from datetime import UTC, datetime

import pytest

from images.domain.slots import start_of

V1 = "/api/v1"
D = "/dmlabapi"
FIRST, LAST = "0001-01-01", "9999-12-31T23:59:59"


@pytest.mark.parametrize(
    "address",
    [
        f"{V1}/images?start={FIRST}&end={LAST}", f"{V1}/images?start={LAST}&end={LAST}",
        f"{V1}/images?time={FIRST}&match=previous", f"{V1}/images?time={LAST}&match=nearest&tolerance=86400",
        f"{V1}/images?time={FIRST}&match=nearest&tolerance=86400",
        f"{V1}/images/171/{FIRST}?match=previous", f"{V1}/images/171/{LAST}?match=nearest",
        f"{V1}/images/171/0001-01-01T00:00:00+23:00", f"{V1}/images/171/9999-12-31T23:59:59-23:00",
        f"{V1}/images/171/0", f"{V1}/images/171/{2**31}", f"{V1}/images/171/{10**12}", f"{V1}/images/171/%00",
        f"{V1}/parameters?start={FIRST}&end={LAST}", f"{V1}/parameters?start={LAST}&end={LAST}",
        f"{V1}/parameters?start={FIRST}&end={FIRST}",
        f"{V1}/parameters?start={FIRST}&end={LAST}&step=2147483647",
        f"{V1}/headers?start={FIRST}&end={LAST}&format=csv", f"{V1}/headers?start={LAST}&format=votable",
        f"{V1}/availability?start={FIRST}&end={FIRST}", f"{V1}/availability?start=9999-01-01&end={LAST}",
        f"{V1}/availability?start=2049-12-31&end=2050-01-02",
        f"{V1}/events/1/parameters?wave=171&start={FIRST}&end={LAST}",
        f"{V1}/events?include=header&wave=171&start={LAST}",
        f"{D}/images/SDO/AIA/2k/?wave=171&starttime={FIRST}",
        f"{D}/images/SDO/AIA/2k/?wave=171&starttime={LAST}",
        f"{D}/header/SDO/AIA/json/?wave=171&starttime={FIRST}&match=previous&tolerance=86400",
        f"{D}/header/SDO/AIA/json/?wave=171&starttime={LAST}&match=nearest&tolerance=86400",
        f"{D}/header/SDO/AIA/xml/?wave=%C2%B9&starttime=%00",
        f"{D}/header/SDO/AIA/xml/?wave=1_7_1&starttime=now",
        f"{D}/params/SDO/AIA/64/full/range/?wave=171&starttime={FIRST}&endtime={LAST}&limit=1",
        f"{D}/params/SDO/AIA/64/full/range/?wave=171&starttime={LAST}&endtime={LAST}",
        f"{D}/params/SDO/AIA/64/full/range/?wave=171&starttime={FIRST}&endtime={FIRST}",
        f"{D}/params/SDO/AIA/json/64/full/range/?wave=171&starttime={FIRST}&endtime={LAST}&step=2147483647",
        f"{D}/params/SDO/AIA/json/64/full/range/?wave=171&starttime={FIRST}&endtime={LAST}&offset=2147483647",
        f"{D}/params/SDO/AIA/param/track/ts?wave=171&param=1&id={'9' * 18}",
    ],
)  # fmt: skip
def test_extremes(client, sky, address):
    answer = client.get(address)
    answer.getvalue()
    assert answer.status_code in {200, 400, 404}


def test_a_time_before_the_first_slot_that_its_image_answers(client, empty_sky):
    empty_sky.add(start_of(0))
    before = "2010-04-30T23:55:00"
    for address in (
        f"{V1}/images?time={before}", f"{V1}/images/171/{before}", f"{V1}/images/171/{before}.jpg",
        f"{V1}/images/171/{before}/heatmap.png?parameter=1",
        f"{V1}/parameters?start={before}&end=2010-05-01T00:00:01",
        f"{D}/images/SDO/AIA/2k/?wave=171&starttime={before}",
        f"{D}/params/SDO/AIA/64/full/range/?wave=171&starttime={before}&endtime=2010-05-01T00:00:01",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.getvalue()
        assert answer.status_code == 200, address


def test_events_at_the_ends_of_the_calendar(client, sky, make_event):
    box = "POLYGON((0 0,50 0,50 30,0 30,0 0))"
    for number, year in enumerate((1, 9999)):
        make_event(number, start=datetime(year, 1, 1, tzinfo=UTC), hpc_bbox=box).save()
    answer = client.get(f"{V1}/events?include=header&wave=171").json()
    assert [event["image"] for event in answer["events"]] == [None, None]
