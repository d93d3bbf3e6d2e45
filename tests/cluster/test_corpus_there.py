"""The API server and `pluginmgr validate` agree on every document of the corpus, field by field."""

import pytest

from controller.config import DocumentError, from_object, parse
from tests.cluster.namespace import Namespace
from tests.cluster.verdict import are_near, as_stored, judge, meaning
from tests.config.apart import OBJECTS, TEXTS, THROUGH_KUBECTL
from tests.config.documents import document, documents, expected_of


@pytest.mark.parametrize("path", documents("good", without=THROUGH_KUBECTL))
def test_what_validate_takes_the_api_server_takes_as_it_is(path, namespace: Namespace):
    raw = path.read_bytes()
    verdict = judge(namespace, raw, meaning(raw))
    assert verdict.message == ""
    assert as_stored(verdict.spec) == parse(raw, source="x", strict=True).data["spec"]


@pytest.mark.parametrize("path", documents("bad", without=OBJECTS | TEXTS))
def test_what_validate_refuses_the_api_server_refuses_for_the_same_fields(path, namespace: Namespace):
    raw = path.read_bytes()
    ours = [each.field for each in expected_of(path) if each.field]
    verdict = judge(namespace, raw, meaning(raw))
    assert not verdict.is_taken
    if not ours:  # the text is no document at all
        return
    assert [field for field in verdict.fields if not any(are_near(field, each) for each in ours)] == []
    unnamed = [field for field in ours if not any(are_near(each, field) for each in verdict.fields)]
    assert unnamed == [] or verdict.is_partial


@pytest.mark.parametrize("name", THROUGH_KUBECTL)
def test_what_is_no_yaml_of_a_request_is_taken_through_kubectl(name, namespace: Namespace):
    raw = document(name).read_bytes()
    assert not judge(namespace, raw, meaning(raw)).is_taken
    namespace.kubectl("apply", "--filename", str(document(name)))
    there = namespace.cluster.api("GET", namespace.ours("pluginconfigs/detections"))
    assert there["spec"] == parse(raw, source="x", strict=True).data["spec"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_mistake_of_the_text_alone_is_refused_by_us_and_lost_there(name, namespace: Namespace):
    raw = document(name).read_bytes()
    with pytest.raises(DocumentError):
        parse(raw, source="x", strict=True)
    verdict = judge(namespace, raw)
    assert verdict.is_taken
    about = {"apiVersion": "pluginmgr.dev/v1alpha1", "kind": "PluginConfig", "metadata": {"name": "x"}}
    assert from_object(about | {"spec": verdict.spec}, source="x", strict=True).warnings == ()


@pytest.mark.parametrize("name", OBJECTS)
def test_what_the_api_server_cannot_refuse_is_refused_by_us_as_an_object(name, namespace: Namespace):
    namespace.kubectl("apply", "--filename", str(document(name)))
    stored = namespace.cluster.api("GET", namespace.ours("pluginconfigs/detections"))
    with pytest.raises(DocumentError, match=r"spec\.kinds\[rule\]\.plugins\[failed-login\]"):
        from_object(stored, source="x")
