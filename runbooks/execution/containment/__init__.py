"""What a script is kept from, on this machine: recipes, and the ladder of those that work here."""
