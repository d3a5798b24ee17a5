"""The pages. Every route here has to be in tests/test_permission_matrix.py."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
