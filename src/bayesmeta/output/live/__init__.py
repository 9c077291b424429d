"""The page that answers back: the posterior integrated again in a reader's browser."""

from bayesmeta.output.live.nearest import nearest_model
from bayesmeta.output.live.page import live_page
from bayesmeta.output.live.payload import payload_of
