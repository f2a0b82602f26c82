"""The commands, one room for each part of the work; they translate, and all that they do can be called without them."""
