"""The networks themselves, one module a family; a module in this folder is registered by being there."""
