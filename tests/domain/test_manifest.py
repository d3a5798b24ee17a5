import json

import pytest
import rfc8785

from runbooks.domain.manifest import canonical, manifest_hash
from runbooks.domain.syntax.yaml_text import read_yaml
from tests.domain.examples import DRAIN_WORKER, smallest, with_field


def test_the_hash_is_that_of_the_canonical_form() -> None:
    assert canonical({"b": 1.0, "a": [True, None, "é\n"]}) == '{"a":[true,null,"é\\n"],"b":1}'.encode()
    assert manifest_hash({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_spelling_does_not_matter_but_content_does() -> None:
    tree = read_yaml(DRAIN_WORKER.encode())
    assert manifest_hash(json.loads(json.dumps(tree, indent=3, sort_keys=True))) == manifest_hash(tree)
    assert manifest_hash(read_yaml(canonical(tree))) == manifest_hash(tree)
    first = manifest_hash(smallest())
    for pointer, value in (("/doc", ""), ("/metadata/title", "Other"), ("/spec/risk", "low"), ("/spec/parameters", [])):
        assert manifest_hash(with_field(pointer, value)) != first


def test_the_order_of_steps_is_content() -> None:
    steps = [{"id": "a", "script": "#!/bin/sh"}, {"id": "b", "script": "#!/bin/sh"}]
    assert manifest_hash(with_field("/spec/steps", steps)) != manifest_hash(with_field("/spec/steps", steps[::-1]))


def test_what_is_no_json_has_no_hash() -> None:
    for value in (float("nan"), 2**53, "\ud800", b"", {1: 2}):
        with pytest.raises(rfc8785.CanonicalizationError):
            manifest_hash({"a": value})
