"""Documents as people write them. A bad one begins with what must be said of it: `# LINE FIELD: MESSAGE`."""

import re
from pathlib import Path

import pytest

from controller.config import DocumentError, parse

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = re.compile(r"# (?P<line>\d+) (?P<field>[^ :]*): (?P<message>.+)")


def documents(kind):
    return [pytest.param(path, id=path.stem) for path in sorted((CORPUS / kind).iterdir())]


@pytest.mark.parametrize("path", documents("good"))
def test_a_good_document_is_taken_without_a_word(path):
    assert parse(path.read_bytes(), source=path.name, strict=True).warnings == ()


@pytest.mark.parametrize("path", documents("bad"))
def test_a_bad_document_is_refused_with_every_line_and_field(path):
    expected = []
    for line in path.read_text().splitlines():
        if not (match := EXPECTED.fullmatch(line)):
            break
        expected.append(match.groupdict())

    with pytest.raises(DocumentError) as caught:
        parse(path.read_bytes(), source=path.name, strict=True)

    found = caught.value.findings
    assert [(str(each.position.line), each.field) for each in found] == [(e["line"], e["field"]) for e in expected]
    for finding, wanted in zip(found, expected, strict=True):
        assert wanted["message"] in finding.message
        assert str(finding).startswith(f"{path.name}:{wanted['line']}:")
