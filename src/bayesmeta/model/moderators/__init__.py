"""The joint distribution of the moderators, where some of them are unknown."""
