"""Tests of the pool run on virtual time."""

import asyncio

import pytest

from tests.pool.clock import VirtualLoop


class _Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self) -> VirtualLoop:
        return VirtualLoop()


@pytest.fixture
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    return _Policy()
