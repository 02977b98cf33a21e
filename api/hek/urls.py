"""The address of this dialect, with and without a slash at the end."""

from django.urls import re_path

from api.hek.views import HerView

urlpatterns = [re_path(r"^her/?$", HerView.as_view(), name="hek-her")]
