"""Where runs go: nodes, the inventories they come from, and what chooses among them."""
