"""What a Usage costs: catalog (find the model), rate cards (price a Usage), sources (bundled, the user's own)."""

from costspan.pricing.price import Entry, Price, PriceStatus
from costspan.pricing.pricer import Pricer

__all__ = ["Entry", "Price", "PriceStatus", "Pricer"]
