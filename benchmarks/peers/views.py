"""The obvious DRF views: a ModelSerializer over a filtered QuerySet, over the same table and indexes."""

from typing import ClassVar

from django.contrib.gis.geos import Polygon
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncMonth
from django.urls import path
from django.utils.dateparse import parse_datetime
from rest_framework import generics, serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from events.models import Event


class EventSerializer(serializers.ModelSerializer):
    """The fields of an ISD web row; geometry as text."""

    cc = serializers.CharField(source="hpc_boundcc")
    coordinate = serializers.CharField(source="hpc_coord")
    bbox = serializers.CharField(source="hpc_bbox")

    class Meta:
        """Same columns as ours."""

        model = Event
        fields = ("kb_archivid", "event_type", "event_starttime", "event_endtime", "bbox", "cc", "coordinate")


class WithoutCount(LimitOffsetPagination):
    """Limit and offset without the COUNT that DRF adds: we give no total either."""

    def get_count(self, queryset: QuerySet) -> int:  # noqa: ARG002 - DRF's signature
        """A number that ends nowhere."""
        return 10**9


def asked(request: object) -> QuerySet[Event]:
    """The events of the asked type and window."""
    query = request.query_params  # type: ignore[attr-defined]
    window = DateTimeTZRange(parse_datetime(query["start"]), parse_datetime(query["end"]), "()")
    return Event.objects.filter(event_type=query["type"], period__overlap=window)


class Events(generics.ListAPIView):
    """A page of events by time, and by box where one is given."""

    serializer_class = EventSerializer
    pagination_class = WithoutCount

    def get_queryset(self) -> QuerySet[Event]:
        """Filtered and ordered as ours is."""
        events = asked(self.request)
        if "bbox" in self.request.query_params:
            box = Polygon.from_bbox(map(float, self.request.query_params["bbox"].split(",")))
            events = events.filter(hpc_bbox__intersects=box)
        return events.order_by("event_starttime", "kb_archivid")


class MonthlyCount(APIView):
    """Counts a month."""

    schema: ClassVar = None

    def get(self, request: object) -> Response:
        """Grouped by PostgreSQL."""
        months = asked(request).annotate(month=TruncMonth("event_starttime")).values("month")
        return Response(list(months.annotate(number_of_events=Count("pk")).order_by("month")))


urlpatterns = [path("events", Events.as_view()), path("count", MonthlyCount.as_view())]
