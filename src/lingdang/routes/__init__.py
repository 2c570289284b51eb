"""Every address of the shop, a module for each topic: declarations, and the handlers that keep them."""
