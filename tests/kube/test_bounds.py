"""What is sent is what the schema allows: a document that is refused once is refused for ever."""

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config.schema import PLUGIN_POD_STATUSES, json_schema, open_api_schema, schema_of
from controller.kube.bounds import bounded, shortened

STATUS = open_api_schema(PLUGIN_POD_STATUSES)["properties"]["status"]


def unbounded(node):
    """Values of a schema's types, of any length; formats and patterns are the document's own promise."""
    match node["type"]:
        case "object":
            needed = {name: unbounded(child) for name, child in node["properties"].items()}
            return st.fixed_dictionaries(needed, optional={"another": st.just(1)})
        case "array":
            return lists(unbounded(node["items"]), node.get("maxItems", 0))
        case "string":
            return strings(node)
        case "integer":
            return st.integers(node.get("minimum", -(2**31)), 2**31)
        case "boolean":
            return st.booleans()


def lists(items, most):
    """Seldom long: an entry repeated is enough to be too many."""
    repeated = st.tuples(items, st.sampled_from([1, 2, 101])).map(lambda drawn: [drawn[0]] * drawn[1])
    return st.lists(items, max_size=3) | (repeated if most <= 101 else st.lists(items, max_size=3))


def strings(node):
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if node.get("format") == "date-time":
        return st.just("2026-11-24T12:00:00Z")
    if "pattern" in node:
        return st.just("a" * 64) if "0-9a-f" in node["pattern"] else st.sampled_from(["Ready", "Degraded", "Killed"])
    anything = st.characters(exclude_categories=())
    return st.text(anything, max_size=20) | st.builds(
        lambda text, n: text * n, st.text(anything, min_size=1), st.just(5000)
    )


@settings(max_examples=150, deadline=None)
@given(unbounded(STATUS))
def test_whatever_it_says_the_schema_takes_it(status):
    cut = bounded(status, STATUS)
    complaints = [error.message for error in schema_of(PLUGIN_POD_STATUSES).validator.iter_errors({"status": cut})]
    assert complaints == []
    keys = [(each["kind"], each["name"]) for each in cut["plugins"]]
    assert len(set(keys)) == len(keys)


def test_what_fits_stays_as_it_is():
    fitting = {"ready": True, "conditions": [], "plugins": [{"kind": "rule", "name": "a", "message": "x" * 4096}]}
    assert bounded(fitting, STATUS) == fitting


def test_a_text_says_that_it_was_cut():
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


def test_more_plugins_than_the_schema_knows_are_cut():
    plugins = [{"kind": "rule", "name": str(number)} for number in range(5000)]
    assert len(bounded({"plugins": plugins}, STATUS)["plugins"]) == 4096


def test_two_names_that_cannot_be_told_apart_are_one_entry():
    plugins = [{"kind": "rule", "name": name} for name in ("a\udc80", "a\udc81", "b")]
    assert [each["name"] for each in bounded({"plugins": plugins}, STATUS)["plugins"]] == ["a?", "b"]


def test_every_list_of_the_schema_says_how_long_it_may_be():
    def walk(node):
        if node["type"] == "array":
            assert "maxItems" in node
            walk(node["items"])
        for child in node.get("properties", {}).values():
            walk(child)

    walk(STATUS)
    assert json_schema(STATUS)["properties"]["plugins"]["maxItems"] == 4096
