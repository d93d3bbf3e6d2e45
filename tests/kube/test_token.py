"""The token is as new as it has to be, and asked for no more often than it may be."""

import pytest

from controller.kube.token import FRESH, REST, Token


class Source:
    """A token file, and a clock beside it."""

    def __init__(self) -> None:
        self.value: str | OSError = "one"
        self.asked = 0
        self.now = 1000.0

    async def read(self) -> str:
        self.asked += 1
        if isinstance(self.value, OSError):
            raise self.value
        return self.value

    def clock(self) -> float:
        return self.now


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def token(source: Source) -> Token:
    return Token(source.read, source.clock)


async def test_it_is_read_again_when_it_is_a_minute_old(source: Source, token: Token):
    assert await token.get() == "one"
    source.value = "two"
    source.now += FRESH - 1
    assert await token.get() == "one"
    source.now += 1
    assert await token.get() == "two"
    assert source.asked == 2


async def test_it_is_read_again_when_it_is_refused(source: Source, token: Token):
    await token.get()
    source.value = "two"
    source.now += REST
    assert await token.other_than("one") == "two"
    assert await token.other_than("one") == "two"
    assert source.asked == 2


async def test_a_refusal_again_and_again_is_no_reason_to_read_again_and_again(source: Source, token: Token):
    await token.get()
    for _ in range(5):
        assert await token.other_than("one") is None
    assert source.asked == 1
    source.now += REST
    assert await token.other_than("one") is None
    assert source.asked == 2


async def test_the_last_one_is_used_while_the_file_cannot_be_read(source: Source, token: Token):
    await token.get()
    source.value = FileNotFoundError("gone")
    source.now += FRESH
    assert await token.get() == "one"
    source.value = "two"
    source.now += FRESH
    assert await token.get() == "two"


async def test_there_has_to_be_one_at_first(source: Source, token: Token):
    source.value = FileNotFoundError("gone")
    with pytest.raises(FileNotFoundError):
        await token.get()
