"""What an effect table rests on: its studies, their risk of bias, and how rows became effects.

characteristics_table(frame, ["phase", "valence", "sex"])   # a row per study
risk_of_bias_table(frame)                                   # a row per item of the forms
flow_table(frame, "clinical", "calibrated")                                           # from records screened to effects
"""

from bayesmeta.data.characteristics.flow import flow_table
from bayesmeta.data.characteristics.forms import risk_of_bias_table
from bayesmeta.data.characteristics.studied import characteristics_table

__all__ = ["characteristics_table", "flow_table", "risk_of_bias_table"]
