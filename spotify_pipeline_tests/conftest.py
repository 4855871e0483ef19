"""For all tests: no example of a property is timed, because a busy machine is slow and not wrong."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
