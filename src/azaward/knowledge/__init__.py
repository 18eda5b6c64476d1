"""What medicine knows: cited data files, their schema, their loader."""

from azaward.knowledge.loading.load import MOST_CAUTIOUS, Knowledge, Protocol, load
from azaward.knowledge.loading.schema import ACTIONS, URGENCIES

__all__ = ["ACTIONS", "MOST_CAUTIOUS", "URGENCIES", "Knowledge", "Protocol", "load"]
