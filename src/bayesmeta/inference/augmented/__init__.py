"""Models with unknown moderators: draws by data augmentation."""

from bayesmeta.inference.augmented.posterior import augmented_posterior
