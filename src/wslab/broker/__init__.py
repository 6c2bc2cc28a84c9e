"""broker(): a real Valkey for a notebook, through which several processes tell each other what they heard."""

from wslab.broker.server import Broker, broker

__all__ = ["Broker", "broker"]
