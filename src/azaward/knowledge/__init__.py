"""What medicine knows: cited data files, their schema, their loader."""

from azaward.knowledge.loading.load import Knowledge, load
from azaward.knowledge.loading.protocols import MOST_CAUTIOUS, NotYet, Protocol
from azaward.knowledge.loading.schema import ACTIONS, URGENCIES

__all__ = ["ACTIONS", "MOST_CAUTIOUS", "URGENCIES", "Knowledge", "NotYet", "Protocol", "load"]
