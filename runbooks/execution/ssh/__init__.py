"""Scripts on other machines, over SSH."""
