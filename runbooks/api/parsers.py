"""Bodies are limited in size and depth before they are parsed."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from runbooks.domain.problems import Invalid, Problem
from runbooks.domain.syntax.json_text import read_json
from runbooks.domain.syntax.yaml_text import read_yaml


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, object]:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        data = read_json(body, max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, max_depth=settings.OPSAAS_BODY_DEPTH)
        return _object(data)


class StrictYAMLParser(BaseParser):
    media_type = "application/yaml"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, object]:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        data = read_yaml(body)
        return _object(data)


def _object(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise Invalid([Problem("", "wrong_type", "The body has to be an object.")])
    return data
