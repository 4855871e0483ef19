"""What is done to a whole state now and then: checked, moved, backed up, restored, upgraded, given another key."""

from spotify_pipeline.state.upkeep.checking import faults_of, lock_fault
from spotify_pipeline.state.upkeep.copying import Copied, back_up, is_new, move, restore
from spotify_pipeline.state.upkeep.keys import change_key, forget_key
from spotify_pipeline.state.upkeep.upgrade import upgrade

__all__ = [
    "Copied",
    "back_up",
    "change_key",
    "faults_of",
    "forget_key",
    "is_new",
    "lock_fault",
    "move",
    "restore",
    "upgrade",
]
