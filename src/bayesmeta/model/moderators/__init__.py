"""The joint distribution of the moderators, where some of them are unknown."""

from bayesmeta.model.moderators.distribution import Distribution, Drawn
from bayesmeta.model.moderators.table import Table
