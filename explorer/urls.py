"""The addresses of the pages for people."""

from django.urls import path

from explorer import views

urlpatterns = [path("", views.home, name="home")]
