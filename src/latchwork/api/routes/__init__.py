"""One file of endpoints per resource."""
