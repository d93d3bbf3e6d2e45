import pytest

from controller.config.scalars import ScalarError, kubernetes, plain, tagged


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("word", "word"),
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("Yes", True),
        ("ON", True),
        ("off", False),
        ("y", "y"),
        ("N", "N"),
        ("yEs", "yEs"),
        ("10", 10),
        ("-1", -1),
        ("+1", 1),
        ("1_000", 1000),
        ("010", 8),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b11", 3),
        ("08", 8),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000),
        ("1.0", 1),
        ("1:30", "1:30"),
        ("2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
        ("2026-11-24", "2026-11-24"),
        ("256Mi", "256Mi"),
        ("-", "-"),
        ("...", "..."),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_word_means_what_yaml_1_1_says(text, value):
    result = plain(text)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"), [("y", True), ("Y", True), ("n", False), ("N", False), ("yes", True), ("yn", "yn"), ("1", 1)]
)
def test_to_kubernetes_one_letter_is_a_yes_or_no(text, value):
    result = kubernetes(text)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", 9.223372036854775808e18),
        ("-9223372036854775809", -9.223372036854775809e18),
        ("0x8000000000000000", 9.223372036854775808e18),
        ("100000000000000000000000", 1e23),
        ("1e18", 10**18),
        ("1e19", 1e19),
    ],
)
def test_an_integer_of_more_than_64_bits_is_a_float_as_in_an_api_server(text, value):
    result = plain(text)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9" * 400, "9" * 5000, "0x" + "f" * 5000])
def test_a_number_that_json_cannot_carry_is_refused(text):
    with pytest.raises(ScalarError):
        plain(text)


@pytest.mark.parametrize(
    ("tag", "text", "value"), [("str", "10", "10"), ("int", "10", 10), ("bool", "no", False), ("null", "", None)]
)
def test_a_tag_before_a_word_decides_what_it_is(tag, text, value):
    assert tagged(f"tag:yaml.org,2002:{tag}", text) == value


def test_the_bare_tag_makes_text_of_a_word():
    assert tagged("!", "10") == "10"
