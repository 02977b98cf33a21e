"""The admin's pages of tracks, and the way to them."""

import re

import pytest
from django.urls import reverse

from events.models import Track

LIST = reverse("admin:events_track_changelist")


def page(operator, track):
    answer = operator.get(reverse("admin:events_track_change", args=[track.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def numbers(operator, **query):
    return {track.pk for track in operator.get(LIST, query).context["cl"].result_list}


def test_the_list_shows_every_track_in_a_fixed_number_of_queries(
    operator, scene, django_assert_max_num_queries
):
    with django_assert_max_num_queries(9):
        assert numbers(operator) == {track.pk for track in scene.tracks.values()}


def test_tracks_are_found_by_number_report_and_region(operator, scene):
    parent, events = scene.tracks["parent"].pk, scene.events["parent"]
    assert numbers(operator, q=str(events[2].pk)) == {parent}
    assert numbers(operator, q=events[2].kb_archivid) == {parent}
    assert numbers(operator, q="12149") == {parent}
    assert numbers(operator, q="AR_1") == numbers(operator, q="9" * 25) == set()
    assert numbers(operator, event_type="CH") == {scene.tracks["hole"].pk}
    assert numbers(operator, frm_name="EGSO_SFC") == {scene.tracks["spot"].pk}
    assert numbers(operator, **{"from": "2014-08-31"}) == set()


@pytest.mark.parametrize("name", ["parent", "child", "heir", "hole", "sigmoid", "noaa", "spot", "leaving"])
def test_a_page_lists_its_reports_and_draws_their_path(operator, scene, name):
    text = page(operator, scene.tracks[name])
    for event in scene.events[name]:
        assert reverse("admin:events_event_change", args=[event.pk]) in text
    roles = set(re.findall(r'data-role="([a-z ]+)"', text))
    assert ("path" in roles) == (len(scene.events[name]) > 1)
    shape = {"noaa": set(), "sigmoid": {"bounding box"}}.get(name, {"outline"})
    assert roles - {"path"} == shape | {"position"}


def test_edges_lead_to_other_tracks(operator, scene):
    text = page(operator, scene.tracks["child"])
    for name in ("parent", "heir"):
        assert reverse("admin:events_track_change", args=[scene.tracks[name].pk]) in text
    assert re.findall(r"<td>(splits|merges|follows)</td>", text) == ["splits", "follows", "merges"]
    assert "None." in page(operator, scene.tracks["sigmoid"])


def test_a_page_takes_as_many_queries_for_one_report_as_for_four(
    operator, scene, django_assert_max_num_queries
):
    for name in ("sigmoid", "parent"):
        with django_assert_max_num_queries(7):
            page(operator, scene.tracks[name])


def test_the_page_of_a_report_leads_to_its_track(operator, scene):
    def links(event):
        text = operator.get(reverse("admin:events_event_change", args=[event.pk])).content.decode()
        return re.findall(r'href="(/admin/events/track/\d+/change/)"', text)

    for event in scene.events["parent"]:
        assert links(event) == [reverse("admin:events_track_change", args=[scene.tracks["parent"].pk])]
    assert links(scene.alone["flare"]) == []


def test_nothing_can_be_added_changed_or_deleted(operator, scene):
    track = scene.tracks["parent"]
    assert operator.get(reverse("admin:events_track_add")).status_code == 403
    assert (
        operator.post(reverse("admin:events_track_delete", args=[track.pk]), {"post": "yes"}).status_code
        == 403
    )
    assert operator.post(reverse("admin:events_track_change", args=[track.pk]), {}).status_code == 403
    assert Track.objects.filter(pk=track.pk).exists()


def test_a_stranger_is_sent_to_sign_in(client, scene):
    assert client.get(LIST).status_code == 302
