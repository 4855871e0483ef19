"""Cuts people off the end of a list until Spotify takes the file."""

from __future__ import annotations

from dataclasses import dataclass

from spotify_pipeline.customer_list.model import CustomerListError

_ROUNDS_BY_PROPORTION = 5


@dataclass(frozen=True, kw_only=True)
class Truncation:
    """Keep the people with the first ranks, as many as make a file of ``max_bytes`` or a little less.

    Attributes:
        max_bytes: of the file.
        order: by what people are ranked, in words, for the manifest.
    """

    max_bytes: int
    order: str

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or not self.order:
            raise CustomerListError("A list is cut to a size of at least one byte, by an order that has a name.")

    def people_to_keep(self, *, people: int, size: int, rounds: int) -> int:
        """How many people to try next, fewer than ``people``, who make ``size`` bytes and are too many.

        It depends on counts alone, so the same people are cut to the same list. In proportion at first. People with
        very many identifiers among the first ranks could make that slow, so after some rounds it is half.
        """
        if not people:
            raise CustomerListError(
                f"Not even an empty list fits into {self.max_bytes} bytes. Raise the limit of the file's size."
            )
        if rounds > _ROUNDS_BY_PROPORTION:
            return people // 2
        # A thousandth less, because people differ in size.
        return min(people - 1, people * self.max_bytes * 999 // (size * 1000))
