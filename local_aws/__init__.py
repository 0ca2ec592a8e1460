"""An embedded AWS on this machine for the demo, the tests and the benchmark: `with EmbeddedAws() as aws:`."""

from .aws import EmbeddedAws
from .switches import Switches
from .wire import Answer, Call

__all__ = ["Answer", "Call", "EmbeddedAws", "Switches"]
