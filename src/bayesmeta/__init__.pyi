from . import api as api
from .api import ModelSpec as ModelSpec
from .api import Prior as Prior
from .api import RemlSummary as RemlSummary
from .api import compare as compare
from .api import compare_models as compare_models
from .api import contrasts as contrasts
from .api import diagnostics as diagnostics
from .api import effects as effects
from .api import example as example
from .api import fit as fit
from .api import heterogeneity as heterogeneity
from .api import marginal_contrasts as marginal_contrasts
from .api import marginal_means as marginal_means
from .api import measures as measures
from .api import parameters as parameters
from .api import plot as plot
from .api import predict as predict
from .api import prediction as prediction
from .api import read as read
from .api import read_spec as read_spec
from .api import reml as reml
from .api import spec_of as spec_of
from .api import summary as summary
from .api import terms as terms
from .infrastructure.errors import BadInput as BadInput

__version__: str
