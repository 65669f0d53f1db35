"""All recipes by name; each stands beside its loss, in the file of its method."""

from engine.training import depth, fixed, mask

RECIPES = {recipe.name: recipe for recipe in (*depth.RECIPES, *fixed.RECIPES, *mask.RECIPES)}
