"""One creation, for each way in which its answer and the look for it may go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.writes import CreateOnce
from spotify_pipeline.spotify import Conflict, InvalidRequest, NotFound, SpotifyError, SpotifyUnavailable

LOOK_FIRST = "Look first."


def lost() -> SpotifyUnavailable:
    return SpotifyUnavailable("no answer", may_have_happened=True)


def not_sent() -> SpotifyUnavailable:
    return SpotifyUnavailable("no connection")


def refused() -> InvalidRequest:
    return InvalidRequest("not so", status=400)


def unknown_upload() -> NotFound:
    return NotFound("no such upload", status=404)


@dataclass
class Spotify:
    """Answers each question with the next of its answers, and writes down what happens."""

    asked: list[object] = field(default_factory=list)
    looked: list[object] = field(default_factory=list)
    taken: object = None
    announcing: Exception | None = None
    did: list[str] = field(default_factory=list)

    def creation(self, *, again: bool = True) -> CreateOnce[str]:
        def announce() -> Callable[[], None]:
            if self.announcing is not None:
                raise self.announcing
            self.did.append("announce")
            return lambda: self.did.append("take back")

        return CreateOnce(
            ask=lambda: self._next("ask", self.asked),
            look_first=LOOK_FIRST,
            announce=announce,
            look=lambda: self._next("look", self.looked) or None,
            if_taken=lambda _: self._next("if taken", [self.taken]) or None,
            found=lambda each: self.did.append(f"found {each}"),
            again=(lambda: self.did.append("again")) if again else None,
        )

    def _next(self, what: str, answers: list[object]) -> str:
        self.did.append(what)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer or "")


def failure(spotify: Spotify, *, may_exist: bool = False, again: bool = True) -> SpotifyError:
    with pytest.raises(SpotifyError) as caught:
        spotify.creation(again=again).run(may_exist=may_exist)
    return caught.value


def test_it_is_announced_before_it_is_asked_for():
    spotify = Spotify(asked=["a"])
    assert spotify.creation().run() == "a"
    assert spotify.did == ["announce", "ask"]


def test_nothing_is_asked_for_that_cannot_be_announced():
    spotify = Spotify(asked=["a"], announcing=MirrorRefused("another run"))
    with pytest.raises(MirrorRefused):
        spotify.creation().run()
    assert spotify.did == []


@pytest.mark.parametrize("error", [refused, not_sent, unknown_upload])
def test_a_certain_refusal_is_taken_back_and_not_looked_for(error: Callable[[], SpotifyError]):
    spotify, said = Spotify(asked=[error()]), error()
    caught = failure(spotify)
    assert (type(caught), caught.next_step) == (type(said), said.next_step)
    assert spotify.did == ["announce", "ask", "take back"]


@pytest.mark.parametrize("again", [True, False])
def test_c02_a_lost_answer_is_looked_for_and_not_asked_for_again(again: bool):
    spotify = Spotify(asked=[lost()], looked=["a"])
    assert spotify.creation(again=again).run() == "a"
    assert spotify.did == ["announce", "ask", "look", "found a"]


def test_c03_what_is_not_shown_is_asked_for_once_more():
    spotify = Spotify(asked=[lost(), "a"], looked=[None])
    assert spotify.creation().run() == "a"
    assert spotify.did == ["announce", "ask", "look", "again", "announce", "ask"]


def test_what_might_be_a_second_one_is_not_asked_for_again():
    spotify = Spotify(asked=[lost()], looked=[None])
    caught = failure(spotify, again=False)
    assert (caught.may_have_happened, caught.next_step) == (True, LOOK_FIRST)
    assert spotify.did == ["announce", "ask", "look"]


def test_it_is_never_asked_for_a_third_time():
    spotify = Spotify(asked=[lost(), lost(), "never"], looked=[None, None])
    assert failure(spotify).next_step == LOOK_FIRST
    assert spotify.did.count("ask") == 2


@pytest.mark.parametrize("error", [refused, unknown_upload])
def test_c04_a_refusal_of_the_second_proves_nothing_about_the_first(error: Callable[[], SpotifyError]):
    """Its upload may be used up because the first was carried out."""
    spotify = Spotify(asked=[lost(), error()], looked=[None, "a"])
    assert spotify.creation().run() == "a"
    spotify = Spotify(asked=[lost(), error()], looked=[None, None])
    caught = failure(spotify)
    assert (caught.may_have_happened, caught.next_step) == (True, LOOK_FIRST)


@pytest.mark.parametrize("error", [refused, unknown_upload])
def test_c04_a_refusal_proves_nothing_where_it_was_asked_for_before(error: Callable[[], SpotifyError]):
    spotify = Spotify(asked=[error()], looked=["a"])
    assert spotify.creation().run(may_exist=True) == "a"
    spotify = Spotify(asked=[error(), "never"], looked=[None])
    caught = failure(spotify, may_exist=True)
    assert not isinstance(caught, NotFound), "that would say that nothing was created"
    assert LOOK_FIRST in str(caught.next_step)
    assert spotify.did.count("ask") == 1


@pytest.mark.parametrize("may_exist", [True, False])
def test_where_nothing_can_be_looked_for_it_stays_open(may_exist: bool):
    spotify = Spotify(asked=[lost(), "never"], looked=[not_sent()])
    caught = failure(spotify, may_exist=may_exist)
    assert (caught.may_have_happened, caught.next_step) == (True, LOOK_FIRST)
    assert spotify.did == ["announce", "ask", "look"]


def test_several_that_could_be_it_are_nobody_s_to_choose():
    creation = Spotify(asked=[lost()], looked=[MirrorRefused("two could be it")]).creation()
    with pytest.raises(MirrorRefused):
        creation.run()


def test_what_is_taken_by_itself_is_it():
    spotify = Spotify(asked=[Conflict("taken", status=409)], taken="a")
    assert spotify.creation().run() == "a"
    assert spotify.did == ["announce", "ask", "if taken"]


def test_what_is_taken_by_something_else_is_refused():
    spotify = Spotify(asked=[Conflict("taken", status=409)], taken=None)
    assert isinstance(failure(spotify), Conflict)
    assert spotify.did == ["announce", "ask", "if taken", "take back"]


def test_where_it_is_not_known_what_took_it_nothing_is_taken_back():
    spotify = Spotify(asked=[Conflict("taken", status=409)], taken=not_sent())
    assert isinstance(failure(spotify), SpotifyUnavailable)
    assert spotify.did == ["announce", "ask", "if taken"]
