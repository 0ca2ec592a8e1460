"""The function's calls to AWS in memory are repeated, time out and take effect as botocore's and AWS's do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from dms_s3_endpoint.aws.sessions import MOST_ATTEMPTS

from .races import Pool, RacingClock
from .wire import LOST, READ_TIMEOUT, Attempt, KilledError, Wire

THROTTLED = Attempt(error="Throttling", takes_effect=False)


class Server:
    """Notes when a call takes effect, and what became of the client."""

    def __init__(self, *attempts: Attempt) -> None:
        self.clock = RacingClock()
        self.effects: list[float] = []
        self.attempted: list[str] = []
        self.wire = Wire(self.clock, self.clock.deadline(), disturb=lambda _name, _nth: attempts)
        self.wire.before_attempt = self.attempted.append

    def take_effect(self) -> str:
        self.effects.append(self.clock.now)
        return "done"

    def seen(self) -> object:
        """What the client gets, once nothing is under way any more."""
        (seen,) = self.clock.race((0.0, self._called))
        return seen

    def _called(self) -> object:
        try:
            return self.wire.call("create_role", self.take_effect)
        except (ClientError, BotoCoreError, KilledError) as error:
            return error


def test_an_undisturbed_call_takes_effect_once() -> None:
    server = Server()
    assert (server.seen(), len(server.effects), server.attempted) == ("done", 1, ["create_role"])


def test_a_throttled_call_is_repeated_with_growing_pauses() -> None:
    server = Server(*[THROTTLED] * 9)
    assert (server.seen(), len(server.attempted)) == ("done", 10)
    assert server.effects == [pytest.approx(55.55)]


def test_there_are_so_many_attempts_and_no_more() -> None:
    server = Server(*[THROTTLED] * MOST_ATTEMPTS)
    assert isinstance(server.seen(), ClientError)
    assert (server.effects, len(server.attempted)) == ([], MOST_ATTEMPTS)


def test_an_attempt_that_timed_out_takes_effect_beside_the_next_one() -> None:
    server = Server(Attempt(delay=60.0))
    assert server.seen() == "done"
    assert server.effects == [pytest.approx(READ_TIMEOUT + 0.55), pytest.approx(READ_TIMEOUT + 5.05)]


@pytest.mark.parametrize("attempt", [Attempt(error=LOST), Attempt(error="InternalFailure"), Attempt(answered=30.0)])
def test_a_call_whose_answer_is_lost_or_late_takes_effect_twice(attempt: Attempt) -> None:
    server = Server(attempt)
    assert (server.seen(), len(server.effects)) == ("done", 2)


@pytest.mark.parametrize(
    ("attempt", "effects"),
    [
        (Attempt(takes_effect=False, killed=0.0), 0),
        (Attempt(delay=3.0, killed=1.0), 1),
        (Attempt(delay=1.0, killed=3.0), 1),
    ],
)
def test_a_killed_process_makes_no_further_call(attempt: Attempt, effects: int) -> None:
    server = Server(attempt)
    assert isinstance(server.seen(), KilledError)
    assert len(server.effects) == effects
    with pytest.raises(KilledError):
        server.wire.call("create_policy", server.take_effect)
    assert len(server.effects) == effects


def test_calls_side_by_side_race_and_raise_what_the_first_of_them_raised() -> None:
    clock = RacingClock()
    ended: list[str] = []

    def work(name: str, seconds: float) -> str:
        clock.sleep(seconds)
        ended.append(name)
        if name == "fails":
            raise ValueError(name)
        return name

    def both() -> Iterator[str]:
        with Pool(2) as pool:
            slow, fails = pool.submit(work, "slow", 2.0), pool.submit(work, "fails", 1.0)
        yield slow.result()
        with pytest.raises(ValueError, match="fails"):
            fails.result()

    (outcome,) = clock.race((0.0, lambda: list(both())))
    assert (outcome, ended, clock.now) == (["slow"], ["fails", "slow"], 2.0)
