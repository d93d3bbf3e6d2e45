"""Documents as people write them; `tests/cluster/test_corpus_there.py` asks a real API server the same."""

import pytest

from controller.config import DocumentError, parse
from tests.config.documents import documents, expected_of


@pytest.mark.parametrize("path", documents("good"))
def test_a_good_document_is_taken_without_a_word(path):
    assert parse(path.read_bytes(), source=path.name, strict=True).warnings == ()


@pytest.mark.parametrize("path", documents("bad"))
def test_a_bad_document_is_refused_with_every_line_and_field(path):
    expected = expected_of(path)
    with pytest.raises(DocumentError) as caught:
        parse(path.read_bytes(), source=path.name, strict=True)

    found = caught.value.findings
    assert [(each.position.line, each.field) for each in found] == [(each.line, each.field) for each in expected]
    for finding, wanted in zip(found, expected, strict=True):
        assert wanted.message in finding.message
        assert str(finding).startswith(f"{path.name}:{wanted.line}:")


def test_the_corpus_is_as_large_as_it_was_promised():
    assert len(documents("good")) >= 60
    assert len(documents("bad")) >= 120
