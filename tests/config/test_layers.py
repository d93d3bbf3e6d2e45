from hypothesis import given
from hypothesis import strategies as st

from controller.config.layers import over

leaves = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.lists(st.integers(0, 9), max_size=2))
fields = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    lambda below: st.dictionaries(st.sampled_from("abc"), st.one_of(leaves, below), max_size=3),
    max_leaves=12,
)


def leaf_paths(data, path=()):
    """Every leaf that some layer gives; an empty mapping gives none."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from leaf_paths(value, (*path, name))
        else:
            yield (*path, name), value


def lookup(layers, path):
    """The plain reading of the rule: the first layer that has something at the path, or a leaf above it, decides."""
    for layer in layers:
        node = layer
        for step in path:
            if not isinstance(node, dict):
                return "hidden"
            if step not in node:
                break
            node = node[step]
        else:
            return "hidden" if isinstance(node, dict) and node else node
    return None


@given(fields, fields, fields)
def test_each_leaf_comes_from_the_first_layer_that_gives_it(entry, kind, spec):
    merged = over(entry, over(kind, spec))
    for path, value in leaf_paths(merged):
        if (found := lookup([entry, kind, spec], path)) != "hidden":
            assert found == value


@given(fields, fields)
def test_what_a_layer_says_is_said_by_the_sum(upper, lower):
    assert dict(leaf_paths(over(upper, lower))).items() >= dict(leaf_paths(upper)).items()


@given(fields, fields)
def test_no_layer_is_changed_by_another(upper, lower):
    before = repr((upper, lower))
    over(upper, lower)
    assert repr((upper, lower)) == before


@given(fields, fields, fields)
def test_layers_may_be_joined_from_either_end(entry, kind, spec):
    # But for a leaf that hides a mapping, between two mappings: nobody should join those.
    if all(same_shape(a, b) for a, b in ((entry, kind), (kind, spec), (entry, spec))):
        assert over(entry, over(kind, spec)) == over(over(entry, kind), spec)


def same_shape(one, other):
    common = one.keys() & other.keys()
    pairs = [(one[name], other[name]) for name in common]
    return all(
        isinstance(a, dict) == isinstance(b, dict) and (not isinstance(a, dict) or same_shape(a, b)) for a, b in pairs
    )
