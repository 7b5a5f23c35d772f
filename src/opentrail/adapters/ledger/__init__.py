"""Ledgers of imports, and the quarantine beside them."""

from opentrail.adapters.ledger.memory import MemoryLedger, MemoryQuarantine
from opentrail.adapters.ledger.quarantine import DirectoryQuarantine
from opentrail.adapters.ledger.sqlite import SqliteLedger

__all__ = ["DirectoryQuarantine", "MemoryLedger", "MemoryQuarantine", "SqliteLedger"]
