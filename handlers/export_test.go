package handlers

// Events returns the product's own events.
func Events() []*Event { return events }
