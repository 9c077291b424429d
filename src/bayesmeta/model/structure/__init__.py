"""Dependence of effects: any levels, crossed factors, inner factors, known matrices."""

from bayesmeta.model.structure.checking import aliased
from bayesmeta.model.structure.components import Component, components_of
from bayesmeta.model.structure.draws import variances
from bayesmeta.model.structure.likelihood import Conditional, Structured
from bayesmeta.model.structure.parameters import Parameter
